"""What the source Postgres says about itself: its identity, its timeline, the end of its WAL, its clock."""

from datetime import datetime

from lakehouse.source.postgres.connection import Connection


def system_identifier(conn: Connection) -> int:
    """Return the system identifier of this Postgres: initdb generates another for each new cluster."""
    row = conn.execute("SELECT system_identifier FROM pg_control_system()").fetchone()
    assert row is not None  # noqa: S101 - the function always returns one row
    return int(row[0])


def current_timeline(conn: Connection) -> int:
    """Return the timeline of the WAL that Postgres writes now: a promoted standby has a higher one.

    pg_control_checkpoint() shows it only after the next checkpoint.
    """
    row = conn.execute("SELECT ('x' || left(pg_walfile_name(pg_current_wal_lsn()), 8))::bit(32)::bigint").fetchone()
    assert row is not None  # noqa: S101 - a SELECT without FROM returns one row
    return int(row[0])


def current_wal_lsn(conn: Connection) -> int:
    """Return the LSN at which Postgres's WAL ends, as the integer that Debezium writes."""
    row = conn.execute("SELECT pg_current_wal_insert_lsn() - '0/0'").fetchone()
    assert row is not None  # noqa: S101 - the function always returns one row
    return int(row[0])


def db_now(conn: Connection) -> datetime:
    """Return the present time of Postgres, whose clock also sets created_at."""
    row = conn.execute("SELECT clock_timestamp()").fetchone()
    assert row is not None  # noqa: S101 - a SELECT without FROM returns one row
    now: datetime = row[0]
    return now
