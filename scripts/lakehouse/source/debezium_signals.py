"""Debezium's signal table, publication and replication slot in Postgres, as the connector's controller needs them."""

import json
from collections.abc import Iterable, Mapping
from uuid import uuid4

from lakehouse.errors import NotReady
from lakehouse.source.postgres import Connection
from lakehouse.source.roles import CAPTURE_ROLE
from lakehouse.source.topics import captured_tables

PENDING_SNAPSHOT_PREFIX = "owed:"
OLD_TRANSACTION_S = 5


def ensure_published(conn: Connection, connector: Mapping[str, str]) -> None:
    """Raise NotReady unless the publication has all captured tables: Debezium ignores the others without an error."""
    publication = connector["publication.name"]
    rows = conn.execute(
        "SELECT schemaname || '.' || tablename FROM pg_publication_tables WHERE pubname = %s", [publication]
    ).fetchall()
    missing = sorted(set(captured_tables(connector)) - {name for (name,) in rows})
    if missing:
        raise NotReady(
            f"Publication {publication} lacks {', '.join(missing)}. python scripts/ETL_Full_Load/pipeline.py adds them."
        )


def slot_active_pid(conn: Connection, slot: str) -> int | None:
    """Return the id of the Postgres process that streams the slot, None while nobody reads it."""
    row = conn.execute("SELECT active_pid FROM pg_replication_slots WHERE slot_name = %s", [slot]).fetchone()
    return None if row is None else row[0]


def is_slot_lost(conn: Connection, slot: str) -> bool:
    """Return whether Postgres has invalidated the slot, because its reader fell too far behind the WAL.

    Debezium tries for half an hour to read such a slot, and logs nothing about it.
    """
    row = conn.execute("SELECT wal_status = 'lost' FROM pg_replication_slots WHERE slot_name = %s", [slot]).fetchone()
    return row == (True,)


def open_transactions(conn: Connection, older_than: float = OLD_TRANSACTION_S) -> list[tuple[int, int]]:
    """Return (process id, age in seconds) of the writing transactions that the creation of a slot waits for.

    Debezium's own are left out: it has one open while it creates the slot.
    """
    return conn.execute(
        "SELECT pid, extract(epoch FROM now() - xact_start)::int FROM pg_stat_activity "
        "WHERE backend_xid IS NOT NULL AND pid <> pg_backend_pid() AND usename <> %s "
        "AND xact_start < now() - make_interval(secs => %s) ORDER BY xact_start",
        [CAPTURE_ROLE, older_than],
    ).fetchall()


def enqueue_snapshots(conn: Connection, new_tables: Iterable[str], reader_pid: int | None) -> None:
    """Store a pending snapshot for each table in Postgres, so that a kill before its request loses none.

    Each is a Debezium signal of type `log`, which only writes a log line. `reader_pid` is the slot's present reader:
    it does not capture these tables yet, and would ignore a snapshot signal for them.
    """
    with conn.transaction():
        for table in new_tables:
            conn.execute(
                "INSERT INTO cdc.signal (id, type, data) VALUES (%s, 'log', %s) "
                "ON CONFLICT (id) DO UPDATE SET data = excluded.data",
                [PENDING_SNAPSHOT_PREFIX + table, json.dumps({"message": "snapshot owed", "read_by": reader_pid})],
            )


def request_snapshots(conn: Connection, reader_pid: int) -> list[str]:
    """Request an incremental snapshot of each table whose pending snapshot was stored under another reader.

    Returns the names of these tables.
    """
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


def has_pending_snapshots(conn: Connection) -> bool:
    return (
        conn.execute("SELECT FROM cdc.signal WHERE starts_with(id, %s) LIMIT 1", [PENDING_SNAPSHOT_PREFIX]).fetchone()
        is not None
    )
