"""Who may log in to Postgres: the roles that initdb makes, with the passwords of the environment.

The owner of the tables loads and migrates. Debezium, the workers and people get no more than initdb grants them.
"""

import psycopg
from psycopg import sql
from pydantic import SecretStr

from lakehouse.settings import Settings

CAPTURE, WORKER, READER = "rh_sport_capture", "rh_sport_worker", "rh_sport_reader"


def let_in(conn: psycopg.Connection, settings: Settings) -> None:
    """Let the roles log in."""
    _let_in(conn, CAPTURE, settings.db_capture_password, "LOGIN REPLICATION")
    _let_in(conn, WORKER, settings.db_worker_password, "LOGIN")
    _let_in(conn, READER, settings.db_reader_password, "LOGIN")


def as_worker(settings: Settings) -> Settings:
    """Give the settings with which the stream, the distance worker and the notifier reach Postgres."""
    return settings.model_copy(update={"db_user": WORKER, "db_password": settings.db_worker_password})


def _let_in(conn: psycopg.Connection, role: str, password: SecretStr, rights: str) -> None:
    # Hashed here: a statement may stand in Postgres's log.
    hashed = conn.pgconn.encrypt_password(password.get_secret_value().encode(), role.encode(), b"scram-sha-256")
    statement = sql.SQL("ALTER ROLE {role} " + rights + " PASSWORD {password}")
    conn.execute(statement.format(role=sql.Identifier(role), password=sql.Literal(hashed.decode())))
