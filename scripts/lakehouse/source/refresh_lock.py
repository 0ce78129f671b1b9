"""The lock for writing Silver and Gold: one refresh at a time, on a lake that was read from this Postgres."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from functools import partial

from lakehouse.cdc.contract import Contract
from lakehouse.cdc.source_identity import ensure_same_system
from lakehouse.cdc.table_store import TableStore
from lakehouse.settings import Settings
from lakehouse.source.lease import Lease
from lakehouse.source.postgres import short_connection, system_identifier
from lakehouse.source.source_check import ensure_conn_not_rewound


@contextmanager
def exclusive_refresh(
    settings: Settings, store: TableStore, contracts: Sequence[Contract], timeout: float
) -> Iterator[Callable[[], None]]:
    """Hold the refresh lease inside the block, and yield a check to call before each commit.

    The check raises LockLost where the lease was lost. Raises LockHeld where another process has the lease after
    `timeout` seconds. Raises SourceMismatch where Bronze was read from another or a since restored Postgres.
    """
    with closing(Lease(settings, "refresh")) as lease:
        epoch = lease.acquire(timeout)
        with short_connection(settings) as conn:
            system = str(system_identifier(conn))
            for contract in contracts:
                ensure_same_system(store, system, contract)
            ensure_conn_not_rewound(conn, store, contracts)
        yield partial(lease.ensure_held, epoch)
