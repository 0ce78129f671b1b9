"""Debezium's signal table in Postgres: snapshots that are pending, and those that are requested."""

import json
from collections.abc import Iterable
from uuid import uuid4

from lakehouse.source.postgres import Connection

PENDING_SNAPSHOT_PREFIX = "pending:"


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
                [PENDING_SNAPSHOT_PREFIX + table, json.dumps({"message": "snapshot pending", "read_by": reader_pid})],
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
