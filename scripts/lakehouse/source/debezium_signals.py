"""What the registrar reads from Postgres and asks of Debezium through it."""

import json
from collections.abc import Iterable, Mapping
from uuid import uuid4

import psycopg

from lakehouse.errors import NotReady
from lakehouse.source.roles import CAPTURE_ROLE
from lakehouse.source.topics import captured_tables

PENDING_SNAPSHOT_PREFIX = "owed:"
OLD_TRANSACTION_S = 5  # seconds


def ensure_published(conn: psycopg.Connection, connector: Mapping[str, str]) -> None:
    """Raise NotReady unless the publication has all captured tables: Debezium would be silent about the others."""
    publication = connector["publication.name"]
    rows = conn.execute(
        "SELECT schemaname || '.' || tablename FROM pg_publication_tables WHERE pubname = %s", [publication]
    ).fetchall()
    missing = sorted(set(captured_tables(connector)) - {name for (name,) in rows})
    if missing:
        raise NotReady(
            f"Publication {publication} lacks {', '.join(missing)}. python scripts/ETL_Full_Load/pipeline.py makes it."
        )


def slot_active_pid(conn: psycopg.Connection, slot: str) -> int | None:
    """Give the process that serves the slot's reader; None while nobody reads it."""
    row = conn.execute("SELECT active_pid FROM pg_replication_slots WHERE slot_name = %s", [slot]).fetchone()
    return None if row is None else row[0]


def is_slot_lost(conn: psycopg.Connection, slot: str) -> bool:
    """Say whether Postgres gave the slot up, because its reader stayed away for too much of the log.

    Debezium tries for half an hour to read such a slot, and says nothing of it.
    """
    row = conn.execute("SELECT wal_status = 'lost' FROM pg_replication_slots WHERE slot_name = %s", [slot]).fetchone()
    return row == (True,)


def open_transactions(conn: psycopg.Connection, older_than: float = OLD_TRANSACTION_S) -> list[tuple[int, int]]:
    """Give (process id, age in seconds) of the writing transactions that the making of a slot waits for.

    Not Debezium's own: it holds one while it makes the slot.
    """
    return conn.execute(
        "SELECT pid, extract(epoch FROM now() - xact_start)::int FROM pg_stat_activity "
        "WHERE backend_xid IS NOT NULL AND pid <> pg_backend_pid() AND usename <> %s "
        "AND xact_start < now() - make_interval(secs => %s) ORDER BY xact_start",
        [CAPTURE_ROLE, older_than],
    ).fetchall()


def enqueue_snapshots(conn: psycopg.Connection, new_tables: Iterable[str], reader_pid: int | None) -> None:
    """Note tables to be snapshotted once the connector captures them, so that a kill in between forgets none.

    The note is a signal of type `log`, which asks nothing of Debezium. `read_by` is the slot's reader
    of now, which does not capture them yet: it would pass over a signal about them.
    """
    with conn.transaction():
        for table in new_tables:
            conn.execute(
                "INSERT INTO cdc.signal (id, type, data) VALUES (%s, 'log', %s) "
                "ON CONFLICT (id) DO UPDATE SET data = excluded.data",
                [PENDING_SNAPSHOT_PREFIX + table, json.dumps({"message": "snapshot owed", "read_by": reader_pid})],
            )


def request_snapshots(conn: psycopg.Connection, reader_pid: int) -> list[str]:
    """Ask an incremental snapshot of each table it is owed to, once a new reader is there; give their names."""
    with conn.transaction():
        dequeued = conn.execute(
            "DELETE FROM cdc.signal WHERE starts_with(id, %s) AND (data::jsonb ->> 'read_by')::int "
            "IS DISTINCT FROM %s RETURNING id",
            [PENDING_SNAPSHOT_PREFIX, reader_pid],
        ).fetchall()
        table_names = sorted(signal_id.removeprefix(PENDING_SNAPSHOT_PREFIX) for (signal_id,) in dequeued)
        if table_names:
            conn.execute(
                "INSERT INTO cdc.signal (id, type, data) VALUES (%s, 'execute-snapshot', %s)",
                [str(uuid4()), json.dumps({"type": "incremental", "data-collections": table_names})],
            )
    return table_names


def has_pending_snapshots(conn: psycopg.Connection) -> bool:
    return (
        conn.execute("SELECT FROM cdc.signal WHERE starts_with(id, %s) LIMIT 1", [PENDING_SNAPSHOT_PREFIX]).fetchone()
        is not None
    )
