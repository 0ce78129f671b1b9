"""Debezium's replication slot in Postgres, and the transactions that its creation waits for."""

from lakehouse.source.postgres import Connection
from lakehouse.source.roles import CAPTURE_ROLE

OLD_TRANSACTION_S = 5


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
