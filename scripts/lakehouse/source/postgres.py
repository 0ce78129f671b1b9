"""Connections to the source Postgres, its identity, and its tables."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

import psycopg
import stamina

from lakehouse.errors import NotReady
from lakehouse.retries import first_line
from lakehouse.settings import ROOT, Settings
from lakehouse.source.roles import grant_login

DDL_DIR = ROOT / "initdb"
# Errors of a statement that are the fault of neither the statement nor its rows. InternalError: Postgres is
# read-only, because its disk is full or a standby was promoted in its place.
TRANSIENT_ERRORS = (psycopg.OperationalError, psycopg.InterfaceError, psycopg.InternalError)


def connect(settings: Settings, *, autocommit: bool = False, timeout: float = 0.0) -> psycopg.Connection:
    """Return a new connection, with its session in UTC.

    Retries for up to `timeout` seconds, with growing pauses, and logs each retry.
    Raises NotReady where Postgres does not answer or refuses the login.
    """
    try:
        for attempt in stamina.retry_context(
            on=psycopg.OperationalError, attempts=None if timeout else 1, timeout=timeout or None, wait_max=10.0
        ):
            with attempt:
                return _open(settings, autocommit)
    except psycopg.OperationalError as error:
        raise NotReady(
            f"Postgres does not answer at {settings.db_host}:{settings.db_port}, database {settings.db_name} "
            f"({first_line(error)}). Start it (`make up`), or set DB_HOST, DB_PORT, DB_NAME, DB_USER, DB_PASSWORD."
        ) from None
    raise AssertionError("unreachable: an attempt returns or raises")


@contextmanager
def short_connection(settings: Settings) -> Iterator[psycopg.Connection]:
    """Yield an autocommit connection for a few statements, and close it.

    Raises NotReady where Postgres does not answer, or goes away inside the block.
    """
    with connect(settings, autocommit=True) as conn:
        try:
            yield conn
        except TRANSIENT_ERRORS as error:
            raise connection_lost(error) from None


def connection_lost(error: psycopg.Error) -> NotReady:
    """Return the NotReady to raise for a broken connection."""
    return NotReady(f"Postgres went away ({type(error).__name__}). Start it (`make up`), and try again.")


def system_identifier(conn: psycopg.Connection) -> int:
    """Return the system identifier of this Postgres: initdb generates another for each new cluster."""
    row = conn.execute("SELECT system_identifier FROM pg_control_system()").fetchone()
    assert row is not None  # noqa: S101 - the function always returns one row
    return int(row[0])


def current_wal_lsn(conn: psycopg.Connection) -> int:
    """Return the LSN at which Postgres's WAL ends, as the integer that Debezium writes."""
    row = conn.execute("SELECT pg_current_wal_insert_lsn() - '0/0'").fetchone()
    assert row is not None  # noqa: S101 - the function always returns one row
    return int(row[0])


def apply_ddl(conn: psycopg.Connection, settings: Settings) -> None:
    """Run initdb/*.sql in the order of their names, in one transaction, and set the passwords of its roles.

    Idempotent, so that a new table reaches an old database too.
    """
    with conn.transaction():
        # Two concurrent runs would both try to create a missing role.
        conn.execute("SELECT pg_advisory_xact_lock(hashtext('initdb'))")
        for file in sorted(DDL_DIR.glob("*.sql")):
            conn.execute(file.read_bytes())
        grant_login(conn, settings)


def _open(settings: Settings, autocommit: bool) -> psycopg.Connection:
    return psycopg.connect(
        host=settings.db_host,
        port=settings.db_port,
        dbname=settings.db_name,
        user=settings.db_user,
        password=settings.db_password.get_secret_value(),
        autocommit=autocommit,
        connect_timeout=5,
        application_name="lakehouse",
        options="-c timezone=UTC",
    )


def db_now(conn: psycopg.Connection) -> datetime:
    """Return the present time of Postgres, whose clock also sets created_at."""
    row = conn.execute("SELECT clock_timestamp()").fetchone()
    assert row is not None  # noqa: S101 - a SELECT without FROM returns one row
    now: datetime = row[0]
    return now
