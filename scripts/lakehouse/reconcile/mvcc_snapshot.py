"""One of Postgres's snapshots, held open, and what it says of changes: which of them it sees."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg import IsolationLevel, sql

from lakehouse.cdc.contract import Contract
from lakehouse.errors import NotReady
from lakehouse.settings import Settings
from lakehouse.source.postgres import connect

# A slot keeps the log from where the oldest transaction began that was still open.
WAL_POSITIONS = """
SELECT (pg_current_wal_insert_lsn() - '0/0')::bigint, (min(restart_lsn) - '0/0')::bigint
FROM pg_replication_slots WHERE database = current_database()
"""


@dataclass(frozen=True)
class Snapshot:
    """What a transaction sees: what transactions before `upcoming` wrote, but for those that were `running`.

    Places in Postgres's log: `wal` is where it ended just before; what was written before `settled` was committed.
    """

    wal_lsn: int
    min_restart_lsn: int
    xmax: int
    xip: tuple[int, ...]


@contextmanager
def open_snapshot(
    settings: Settings, contracts: Sequence[Contract], timeout: float
) -> Iterator[tuple[psycopg.Connection, Snapshot]]:
    """Give a read-only transaction that sees the tables as they are now, until it is left, and its snapshot."""
    with connect(settings, autocommit=True) as conn:
        # Before the snapshot, and so outside of its transaction.
        wal_lsn, min_restart_lsn = _fetch_one(conn, WAL_POSITIONS)
        conn.autocommit, conn.read_only, conn.isolation_level = False, True, IsolationLevel.REPEATABLE_READ
        _lock_tables(conn, contracts, timeout)
        _, xmax, xip = _fetch_one(conn, "SELECT pg_current_snapshot()::text")[0].split(":")
        yield conn, Snapshot(wal_lsn, min_restart_lsn or 0, int(xmax), tuple(int(xid) for xid in xip.split(",") if xid))


def _lock_tables(conn: psycopg.Connection, contracts: Sequence[Contract], timeout: float) -> None:
    """Keep the tables from being truncated or altered, as pg_dump does: a snapshot does not see rows truncated later.

    LOCK takes no snapshot, so that the one to come sees what was committed until then.
    """
    tables = sql.SQL(", ").join(sql.Identifier(contract.schema, contract.table) for contract in contracts)
    try:
        # It waits for Bronze and Silver with nothing to ask.
        conn.execute("SET LOCAL idle_in_transaction_session_timeout = 0")
        conn.execute(sql.SQL("SET LOCAL lock_timeout = {}").format(sql.Literal(f"{max(1, round(timeout * 1000))}ms")))
        conn.execute(sql.SQL("LOCK TABLE {} IN ACCESS SHARE MODE").format(tables))
    except psycopg.errors.LockNotAvailable:
        raise NotReady(
            f"waited {timeout:.0f} s for a table that a TRUNCATE or ALTER TABLE holds. Try again when it is over."
        ) from None
    except psycopg.errors.UndefinedTable as error:
        missing = error.diag.message_primary
        raise NotReady(f"Postgres: {missing}. python scripts/ETL_Full_Load/pipeline.py makes the tables.") from None


def _fetch_one(conn: psycopg.Connection, query: str) -> tuple[Any, ...]:
    row = conn.execute(query.encode()).fetchone()
    assert row is not None  # noqa: S101 - each of these questions has one answer
    return row
