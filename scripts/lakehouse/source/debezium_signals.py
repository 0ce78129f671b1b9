"""Debezium's signal table in Postgres: snapshots that are pending, those that are requested, and those that failed.

A pending snapshot is owed until Debezium's notifications report its end (law 10). It is a signal of type `log`, which
only writes a log line. Its JSON has the reader that is too old for it, the request's id, and why the snapshot failed.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from uuid import uuid4

from lakehouse.contracts.company import RESNAPSHOT_HINT
from lakehouse.source.postgres import Connection
from lakehouse.source.snapshot_notifications import SUCCEEDED

PENDING_SNAPSHOT_PREFIX = "pending:"
# What a table lacks, by Debezium's status for its scan.
REMEDIES = {
    "NO_PRIMARY_KEY": "ALTER TABLE {table} ADD PRIMARY KEY (...); It is then requested again.",
    "UNKNOWN_SCHEMA": "CALL public.capture('{table}'); It is then requested again.",
    "NOT_CAPTURED": "name {table} in table.include.list of debezium/rh_sport.json. It is then requested again.",
}
WAIT_HINT = (
    f"wait, it is requested again where it fails (`make logs SERVICE=connect` has the error). Or: {RESNAPSHOT_HINT}"
)


@dataclass(frozen=True)
class PendingSnapshot:
    """A snapshot of a table, as schema.table, that is owed: `signal_id` once requested, `failure` once it failed."""

    table: str
    signal_id: str | None = None
    failure: str | None = None

    @property
    def is_in_progress(self) -> bool:
        return self.signal_id is not None and self.failure is None

    @property
    def remedy(self) -> str:
        """Return what to do, as a command, as SQL or as a sentence."""
        return REMEDIES.get(self.failure or "", WAIT_HINT).format(table=self.table)


def enqueue_snapshots(conn: Connection, new_tables: Iterable[str], reader_pid: int | None) -> None:
    """Store a pending snapshot for each table in Postgres, so that a kill before its request loses none.

    `reader_pid` is the slot's present reader: it does not capture these tables yet, and would ignore a snapshot signal
    for them.
    """
    with conn.transaction():
        for table in new_tables:
            conn.execute(
                "INSERT INTO cdc.signal (id, type, data) VALUES (%s, 'log', %s) "
                "ON CONFLICT (id) DO UPDATE SET data = excluded.data",
                [PENDING_SNAPSHOT_PREFIX + table, json.dumps({"message": "snapshot pending", "read_by": reader_pid})],
            )


def pending_snapshots(conn: Connection) -> list[PendingSnapshot]:
    """Return the snapshots that have not ended well yet, by table."""
    rows = conn.execute(
        "SELECT id, data::jsonb ->> 'signal', data::jsonb ->> 'failure' FROM cdc.signal "
        "WHERE starts_with(id, %s) ORDER BY id",
        [PENDING_SNAPSHOT_PREFIX],
    ).fetchall()
    return [PendingSnapshot(signal_id.removeprefix(PENDING_SNAPSHOT_PREFIX), *columns) for signal_id, *columns in rows]


def request_snapshots(conn: Connection, reader_pid: int) -> list[str]:
    """Request an incremental snapshot of each table whose pending snapshot was stored under another reader.

    One request is in progress at a time: Debezium reports the end of a second one under the first one's tables.
    Returns the names of the tables.
    """
    with conn.transaction():
        if any(snapshot.is_in_progress for snapshot in pending_snapshots(conn)):
            return []
        signal_id = str(uuid4())
        requested = conn.execute(
            "UPDATE cdc.signal SET data = (data::jsonb || jsonb_build_object('signal', %s::text))::text "
            "WHERE starts_with(id, %s) AND data::jsonb ->> 'signal' IS NULL "
            "AND (data::jsonb ->> 'read_by')::int IS DISTINCT FROM %s RETURNING id",
            [signal_id, PENDING_SNAPSHOT_PREFIX, reader_pid],
        ).fetchall()
        table_names = sorted(pending_id.removeprefix(PENDING_SNAPSHOT_PREFIX) for (pending_id,) in requested)
        if table_names:
            conn.execute(
                "INSERT INTO cdc.signal (id, type, data) VALUES (%s, 'execute-snapshot', %s)",
                [signal_id, json.dumps({"type": "incremental", "data-collections": table_names})],
            )
    return table_names


def record_outcomes(conn: Connection, outcomes: Mapping[str, str]) -> None:
    """Delete the pending snapshots that succeeded, and store why the others failed."""
    with conn.transaction():
        for table, outcome in outcomes.items():
            pending_id = PENDING_SNAPSHOT_PREFIX + table
            if outcome == SUCCEEDED:
                delete_pending_snapshots(conn, [table])
            else:
                conn.execute(
                    "UPDATE cdc.signal SET data = (data::jsonb || jsonb_build_object('failure', %s::text))::text "
                    "WHERE id = %s",
                    [outcome, pending_id],
                )


def retry_snapshots(conn: Connection, tables: Iterable[str]) -> None:
    """Make pending snapshots ready to be requested again, by any reader."""
    with conn.transaction():
        for table in tables:
            conn.execute(
                "UPDATE cdc.signal SET data = (data::jsonb - ARRAY['signal', 'failure', 'read_by'])::text "
                "WHERE id = %s",
                [PENDING_SNAPSHOT_PREFIX + table],
            )


def delete_pending_snapshots(conn: Connection, tables: Iterable[str]) -> None:
    """Delete the pending snapshots of tables whose rows were read."""
    conn.execute("DELETE FROM cdc.signal WHERE id = ANY (%s)", [[PENDING_SNAPSHOT_PREFIX + table for table in tables]])
