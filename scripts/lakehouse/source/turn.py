"""A turn to write Silver and Gold: alone on the lake, and sure that it is this Postgres's."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from functools import partial

from lakehouse.cdc.catalog import Catalog
from lakehouse.cdc.contract import Contract
from lakehouse.cdc.source import check_age, check_system
from lakehouse.settings import Settings
from lakehouse.source.lease import Lease
from lakehouse.source.postgres import at, system_identifier, wal_end


@contextmanager
def turn(
    settings: Settings, catalog: Catalog, contracts: Sequence[Contract], patience: float
) -> Iterator[Callable[[], None]]:
    """Hold the refresh's lease, and give what every commit has to ask first, whether it is held still.

    Raises AlreadyRunning when another process has the turn, still after `patience` seconds, and WrongSource when a
    table came from another Postgres, or from this one before a backup of it was restored.
    """
    with closing(Lease(settings, "refresh")) as held:
        term = held.hold(patience)
        with at(settings) as conn:
            system = str(system_identifier(conn))
            for contract in contracts:
                check_system(catalog, system, contract)
                check_age(catalog, partial(wal_end, conn), contract)
        yield partial(held.check, term)
