"""Postgres, the source: connecting to it, telling which one it is, making its tables."""

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
import stamina

from lakehouse.errors import NotReady
from lakehouse.logs import logger
from lakehouse.retries import first_line
from lakehouse.settings import ROOT, Settings
from lakehouse.source.roles import grant_login

DDL_DIR = ROOT / "initdb"
# What a statement may raise that neither it nor its rows are to blame for. InternalError: Postgres is read-only,
# because its disk is full or another took over from it.
TRANSIENT_ERRORS = (psycopg.OperationalError, psycopg.InterfaceError, psycopg.InternalError)


def connect(settings: Settings, *, autocommit: bool = False, timeout: float = 0.0) -> psycopg.Connection:
    """Open a connection, its session in UTC; for up to `wait` seconds try again, with growing pauses that are logged.

    Raises NotReady when Postgres does not let us in.
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
    """Give a connection for a few statements, each committed by itself; NotReady also where Postgres goes away."""
    with connect(settings, autocommit=True) as conn:
        try:
            yield conn
        except TRANSIENT_ERRORS as error:
            raise connection_lost(error) from None


def connection_lost(error: psycopg.Error) -> NotReady:
    """Give the error of a connection that broke."""
    return NotReady(f"Postgres went away ({type(error).__name__}). Start it (`make up`), and try again.")


def system_identifier(conn: psycopg.Connection) -> int:
    """Give the number that initdb gave this Postgres; a re-made one has another."""
    row = conn.execute("SELECT system_identifier FROM pg_control_system()").fetchone()
    assert row is not None  # noqa: S101 - the function always gives its one row
    return int(row[0])


def current_wal_lsn(conn: psycopg.Connection) -> int:
    """Give where Postgres's log ends, as Debezium numbers its places."""
    row = conn.execute("SELECT pg_current_wal_insert_lsn() - '0/0'").fetchone()
    assert row is not None  # noqa: S101 - the function always gives its one row
    return int(row[0])


def apply_ddl(conn: psycopg.Connection, settings: Settings) -> None:
    """Run initdb/*.sql in order, in one transaction, and let its roles log in.

    Idempotent, so that a new table reaches an old volume too.
    """
    with conn.transaction():
        # Two at once would both find a role missing.
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


def _log_retry(details: stamina.instrumentation.RetryDetails) -> None:
    logger("postgres").warning(
        "retrying",
        reason=first_line(details.caused_by),
        waited_s=round(details.waited_so_far),
        next_try_s=round(details.wait_for, 1),
    )


# stamina's own line quotes arguments and whole exceptions.
stamina.instrumentation.set_on_retry_hooks([_log_retry])
