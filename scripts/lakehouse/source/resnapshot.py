"""Reading every captured table anew, where changes were lost on their way: a new slot and a new first snapshot.

A first snapshot that was read to its end takes away what it did not find, so that rows whose deletes were lost go too.
"""

from collections.abc import Callable, Sequence

import psycopg
from psycopg import sql

from lakehouse.errors import NotReady
from lakehouse.retries import wait_until
from lakehouse.source import debezium_signals
from lakehouse.source.connect_client import ConnectClient


def resnapshot(
    conn: psycopg.Connection,
    connect_client: ConnectClient,
    captured: Sequence[str],
    timeout: float,
    report_progress: Callable[[str], None],
) -> None:
    """Have the connector forget how far it had come and begin again; return when it streams again.

    `captured` names the tables as schema.table. Killed in between, it is run again. NotReady when the
    connector was never registered, or takes longer than `patience` seconds over a step. `conn` commits by itself.
    """
    config = connect_client.config()
    if config is None:
        raise NotReady("There is no connector yet. scripts/Jobs_Spark/register_connector.py makes it.")
    slot = config["slot.name"]
    report_progress("stopping the connector")
    connect_client.stop()
    wait_until(
        lambda: (state := connect_client.state()) and state.is_stopped, timeout=timeout, missing="the connector to stop"
    )
    wait_until(
        lambda: debezium_signals.slot_active_pid(conn, slot) is None,
        timeout=timeout,
        missing="the connector to leave its slot",
    )
    connect_client.delete_offsets()
    conn.execute("SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE slot_name = %s", [slot])
    report_progress("taking a snapshot of every table")
    connect_client.resume()
    wait_until(
        lambda: debezium_signals.slot_active_pid(conn, slot),
        timeout=timeout,
        missing=lambda: _describe_slot_blockers(conn),
    )
    report_progress("telling of the tables that are empty")
    _truncate_empty_tables(conn, captured)


def _truncate_empty_tables(conn: psycopg.Connection, captured: Sequence[str]) -> None:
    """Truncate the tables without rows: the snapshot says nothing of them, and what they lost is in the lake still."""
    names = [sql.Identifier(*table.split(".")) for table in captured]
    with conn.transaction():
        empty = [name for name in names if _is_empty(conn, name)]
        if empty:
            listed = sql.SQL(", ").join(empty)
            conn.execute(sql.SQL("LOCK TABLE {} IN ACCESS EXCLUSIVE MODE").format(listed))
            # Between the look and the lock somebody may have written.
            if all(_is_empty(conn, name) for name in empty):
                conn.execute(sql.SQL("TRUNCATE {}").format(listed))


def _is_empty(conn: psycopg.Connection, table: sql.Identifier) -> bool:
    row = conn.execute(sql.SQL("SELECT EXISTS (SELECT FROM {})").format(table)).fetchone()
    return row == (False,)


def _describe_slot_blockers(conn: psycopg.Connection) -> str:
    blockers = ", ".join(f"pid {pid} ({age} s)" for pid, age in debezium_signals.open_transactions(conn))
    return "the connector to stream again" + (f"; its slot waits for open transactions: {blockers}" if blockers else "")
