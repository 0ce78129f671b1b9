"""The lock for writing Silver and Gold: one refresh at a time, on a lake that was read from this Postgres."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from functools import partial

from lakehouse.cdc.contract import Contract
from lakehouse.cdc.fence import CommitStamps, LeasedStamps, fence_tables
from lakehouse.cdc.table_store import TableStore
from lakehouse.settings import Settings
from lakehouse.source.lease import Lease
from lakehouse.source.postgres import short_connection
from lakehouse.source.source_check import ensure_conn_not_rewound, ensure_same_postgres_as_conn


@dataclass(frozen=True)
class RefreshLock:
    """A held refresh lock: `ensure_held` raises LockLost where it was lost, and `stamps` names it in commits."""

    ensure_held: Callable[[], None]
    stamps: CommitStamps


@contextmanager
def exclusive_refresh(
    settings: Settings,
    store: TableStore,
    contracts: Sequence[Contract],
    tables: Iterable[tuple[str, str]],
    timeout: float,
) -> Iterator[RefreshLock]:
    """Hold the refresh lease inside the block, and yield what each commit needs of it.

    `tables` are all that a refresh may write, as (layer, name). Where an earlier holder has not recorded its end, they
    are fenced before anything is read of them. Raises LockHeld where another process has the lease after
    `timeout` seconds. Raises SourceMismatch where Bronze was read from another or a since restored Postgres.
    """
    with closing(Lease(settings, "refresh")) as lease:
        number = lease.acquire(timeout)
        with short_connection(settings) as conn:
            ensure_same_postgres_as_conn(conn, store, contracts)
            ensure_conn_not_rewound(conn, store, contracts)
        writer = lease.writer(number)
        if lease.needs_fence:
            fence_tables(store, tables, writer)
            lease.end_earlier()
        yield RefreshLock(partial(lease.ensure_held, number), LeasedStamps(store, writer))
        # Not after an error: a commit that Spark has begun may still end.
        lease.release()
