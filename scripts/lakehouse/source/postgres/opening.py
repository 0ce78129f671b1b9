"""Opening a connection to the source Postgres, with retries while it starts."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg2
import stamina

from lakehouse.contracts.company import START_COMMANDS
from lakehouse.errors import NotReady
from lakehouse.passwords import read_password
from lakehouse.retries import first_line
from lakehouse.settings import Settings
from lakehouse.source.postgres.connection import TRANSIENT_ERRORS, Connection
from lakehouse.source.postgres.deadlines import DEFAULT_DEADLINE_S

# A peer that no packet reaches any more is given up after 25 s, by either side (initdb/postgresql.conf has the other).
KEEPALIVES: dict[str, Any] = {
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 20_000,  # ms
}
# In the midst of a statement Postgres looks each second whether we still wait for it (from Postgres 14 on).
SESSION_OPTIONS = "-c timezone=UTC -c client_connection_check_interval=1s"


def connect(
    settings: Settings, *, autocommit: bool = False, timeout: float = 0.0, deadline: float = DEFAULT_DEADLINE_S
) -> Connection:
    """Return a new connection, with its session in UTC; each of its statements has `deadline` seconds.

    Retries for up to `timeout` seconds, with growing pauses, and logs each retry.
    Raises NotReady where Postgres does not answer or refuses the login.
    """
    try:
        for attempt in stamina.retry_context(
            on=psycopg2.OperationalError, attempts=None if timeout else 1, timeout=timeout or None, wait_max=10.0
        ):
            with attempt:
                return _open(settings, autocommit, deadline)
    except psycopg2.OperationalError as error:
        raise NotReady(
            f"Postgres does not answer at {settings.db_host}:{settings.db_port}, database {settings.db_name} "
            f"({first_line(error)}). Start it ({START_COMMANDS}), "
            "or set DB_HOST, DB_PORT, DB_NAME, DB_USER, DB_PASSWORD."
        ) from None
    raise AssertionError("unreachable: an attempt returns or raises")


@contextmanager
def short_connection(settings: Settings) -> Iterator[Connection]:
    """Yield an autocommit connection for a few statements, and close it.

    Raises NotReady where Postgres does not answer, or goes away inside the block.
    """
    with connect(settings, autocommit=True) as conn:
        try:
            yield conn
        except TRANSIENT_ERRORS as error:
            raise connection_lost(error) from None


def ssl_options(settings: Settings) -> dict[str, str]:
    """Return libpq's options of encryption: DB_SSLMODE and the files beside it. Debezium has them by the same names."""
    options = {
        "sslmode": settings.db_sslmode,
        "sslrootcert": settings.db_sslrootcert,
        "sslcert": settings.db_sslcert,
        "sslkey": settings.db_sslkey,
    }
    return {name: str(value) for name, value in options.items() if value is not None}


def connection_lost(error: psycopg2.Error) -> NotReady:
    """Return the NotReady to raise for a broken connection."""
    return NotReady(f"Postgres went away ({type(error).__name__}). Start it ({START_COMMANDS}), and try again.")


def _open(settings: Settings, autocommit: bool, deadline: float) -> Connection:
    options: dict[str, Any] = {**KEEPALIVES, **ssl_options(settings)}
    conn: Connection = psycopg2.connect(
        connection_factory=Connection,
        host=settings.db_host,
        port=settings.db_port,
        dbname=settings.db_name,
        user=settings.db_user,
        password=read_password(settings, "db_password"),
        connect_timeout=5,
        application_name="lakehouse",
        options=SESSION_OPTIONS,
        **options,
    )
    conn.autocommit = autocommit
    conn.deadline_s = deadline
    return conn
