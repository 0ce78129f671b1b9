"""Reading every captured table anew, where changes were lost on their way: a new slot and a new first snapshot.

A first snapshot that was read to its end takes away what it did not find, so that rows whose deletes were lost go too.
"""

from collections.abc import Callable, Sequence

import psycopg
from psycopg import sql

from lakehouse.errors import NotReady
from lakehouse.source import signals
from lakehouse.source.connector import Connect
from lakehouse.waiting import wait_until


def read_anew(
    conn: psycopg.Connection, connect: Connect, captured: Sequence[str], patience: float, say: Callable[[str], None]
) -> None:
    """Have the connector forget how far it had come and begin again; return when it streams again.

    `captured` names the tables as schema.table. Killed in between, it is run again. NotReady when the
    connector was never registered, or takes longer than `patience` seconds over a step. `conn` commits by itself.
    """
    config = connect.config()
    if config is None:
        raise NotReady("There is no connector yet. scripts/Jobs_Spark/register_connector.py makes it.")
    slot = config["slot.name"]
    say("stopping the connector")
    connect.stop()
    wait_until(lambda: (state := connect.state()) and state.stopped, timeout=patience, missing="the connector to stop")
    wait_until(lambda: signals.reader(conn, slot) is None, timeout=patience, missing="the connector to leave its slot")
    connect.forget()
    conn.execute("SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE slot_name = %s", [slot])
    say("taking a snapshot of every table")
    connect.resume()
    wait_until(lambda: signals.reader(conn, slot), timeout=patience, missing=lambda: _what_holds_it_up(conn))
    say("telling of the tables that are empty")
    _tell_of_the_empty(conn, captured)


def _tell_of_the_empty(conn: psycopg.Connection, captured: Sequence[str]) -> None:
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


def _what_holds_it_up(conn: psycopg.Connection) -> str:
    held_by = ", ".join(f"pid {pid} ({age} s)" for pid, age in signals.open_transactions(conn))
    return "the connector to stream again" + (f"; its slot waits for open transactions: {held_by}" if held_by else "")
