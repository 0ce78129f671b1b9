"""A turn to write Silver and Gold: alone on the lake, and sure that it is this Postgres's."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from functools import partial

from lakehouse.cdc.catalog import Catalog
from lakehouse.cdc.contract import Contract
from lakehouse.cdc.source_identity import ensure_not_rewound, ensure_same_system
from lakehouse.settings import Settings
from lakehouse.source.lease import Lease
from lakehouse.source.postgres import current_wal_lsn, short_connection, system_identifier


@contextmanager
def exclusive_refresh(
    settings: Settings, catalog: Catalog, contracts: Sequence[Contract], timeout: float
) -> Iterator[Callable[[], None]]:
    """Hold the refresh's lease, and give what every commit has to ask first, whether it is held still.

    Raises AlreadyRunning when another process has the turn, still after `patience` seconds, and WrongSource when a
    table came from another Postgres, or from this one before a backup of it was restored.
    """
    with closing(Lease(settings, "refresh")) as lease:
        epoch = lease.acquire(timeout)
        with short_connection(settings) as conn:
            system = str(system_identifier(conn))
            for contract in contracts:
                ensure_same_system(catalog, system, contract)
                ensure_not_rewound(catalog, partial(current_wal_lsn, conn), contract)
        yield partial(lease.ensure_held, epoch)
