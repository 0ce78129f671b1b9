"""An open Postgres snapshot, with the transaction ids and LSNs that decide which changes it sees."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from lakehouse.cdc.contract import Contract
from lakehouse.errors import NotReady
from lakehouse.settings import Settings
from lakehouse.source.postgres import (
    LONG_DEADLINE_S,
    TRANSIENT_ERRORS,
    Connection,
    connect,
    connection_lost,
    errors,
    sql,
)

# A slot's restart_lsn lies at or before the start of the oldest transaction still open.
WAL_POSITIONS = """
SELECT (pg_current_wal_insert_lsn() - '0/0')::bigint, (min(restart_lsn) - '0/0')::bigint
FROM pg_replication_slots WHERE database = current_database()
"""

# A transaction that has written holds a lock on its own id until it has ended, prepared ones included.
HAS_WRITERS = "SELECT EXISTS (SELECT FROM pg_locks WHERE locktype = 'transactionid')"


@dataclass(frozen=True)
class Snapshot:
    """A snapshot in the terms of pg_current_snapshot(), with positions in the write-ahead log.

    Visible are transactions with an id below `xmax`, except those of `xip`, which were in progress. `wal_lsn` is the
    end of the log just before the snapshot. Changes before `min_restart_lsn` were committed before the snapshot.
    Without `had_writers`, none that wrote before `wal_lsn` was in progress any more.
    """

    wal_lsn: int
    min_restart_lsn: int
    xmax: int
    xip: tuple[int, ...]
    had_writers: bool = True

    @property
    def visible_lsn(self) -> int:
        """An LSN before which the snapshot sees every change."""
        return self.min_restart_lsn if self.had_writers else self.wal_lsn


@contextmanager
def open_snapshot(
    settings: Settings, contracts: Sequence[Contract], timeout: float
) -> Iterator[tuple[Connection, Snapshot]]:
    """Open a read-only REPEATABLE READ transaction and yield its connection and snapshot; close it on exit.

    Raises NotReady where a table is missing, or stays locked for `timeout` seconds, or Postgres goes away.
    """
    # A checksum reads a whole table, and the lock below may wait for `timeout` seconds.
    with connect(settings, autocommit=True, deadline=LONG_DEADLINE_S) as conn:
        try:
            # Before the snapshot, and so outside of its transaction.
            wal_lsn, min_restart_lsn = _fetch_one(conn, WAL_POSITIONS)
            [had_writers] = _fetch_one(conn, HAS_WRITERS)
            conn.set_session(isolation_level="REPEATABLE READ", readonly=True, autocommit=False)
            _lock_tables(conn, contracts, timeout)
            _, xmax, xip = _fetch_one(conn, "SELECT pg_current_snapshot()::text")[0].split(":")
            in_progress = tuple(int(xid) for xid in xip.split(",") if xid)
            yield conn, Snapshot(wal_lsn, min_restart_lsn or 0, int(xmax), in_progress, had_writers)
        except TRANSIENT_ERRORS as error:
            raise connection_lost(error) from None


def _lock_tables(conn: Connection, contracts: Sequence[Contract], timeout: float) -> None:
    """Lock the tables against TRUNCATE and ALTER TABLE, as pg_dump does: a snapshot loses rows truncated after it.

    LOCK TABLE takes no snapshot, so the later one sees everything committed before the lock was granted.
    """
    tables = sql.SQL(", ").join(sql.Identifier(contract.schema, contract.table) for contract in contracts)
    try:
        # The transaction stays idle while Bronze and Silver catch up.
        conn.execute("SET LOCAL idle_in_transaction_session_timeout = 0")
        conn.execute(sql.SQL("SET LOCAL lock_timeout = {}").format(sql.Literal(f"{max(1, round(timeout * 1000))}ms")))
        conn.execute(sql.SQL("LOCK TABLE {} IN ACCESS SHARE MODE").format(tables))
    except errors.LockNotAvailable:
        raise NotReady(
            f"waited {timeout:.0f} s for a table that a TRUNCATE or ALTER TABLE locks. Try again when it has ended."
        ) from None
    except errors.UndefinedTable as error:
        missing = error.diag.message_primary
        raise NotReady(f"Postgres: {missing}. python scripts/ETL_Full_Load/pipeline.py creates the tables.") from None


def _fetch_one(conn: Connection, query: str) -> tuple[Any, ...]:
    row = conn.execute(query).fetchone()
    assert row is not None  # noqa: S101 - each of these queries returns one row
    return row
