"""Who may log in to Postgres: the roles that initdb makes, with the passwords of the environment.

The owner of the tables loads and migrates. Debezium, the workers and people get no more than initdb grants them.
"""

import psycopg
from psycopg import sql
from pydantic import SecretStr

from lakehouse.settings import Settings

CAPTURE_ROLE, WORKER_ROLE, READER_ROLE = "rh_sport_capture", "rh_sport_worker", "rh_sport_reader"


def grant_login(conn: psycopg.Connection, settings: Settings) -> None:
    """Let the roles log in."""
    _grant_role_login(conn, CAPTURE_ROLE, settings.db_capture_password, "LOGIN REPLICATION")
    _grant_role_login(conn, WORKER_ROLE, settings.db_worker_password, "LOGIN")
    _grant_role_login(conn, READER_ROLE, settings.db_reader_password, "LOGIN")


def as_worker(settings: Settings) -> Settings:
    """Give the settings with which the stream, the distance worker and the notifier reach Postgres."""
    return settings.model_copy(update={"db_user": WORKER_ROLE, "db_password": settings.db_worker_password})


def _grant_role_login(conn: psycopg.Connection, role: str, password: SecretStr, role_options: str) -> None:
    # Hashed here: a statement may stand in Postgres's log.
    hashed = conn.pgconn.encrypt_password(password.get_secret_value().encode(), role.encode(), b"scram-sha-256")
    statement = sql.SQL("ALTER ROLE {role} " + role_options + " PASSWORD {password}")
    conn.execute(statement.format(role=sql.Identifier(role), password=sql.Literal(hashed.decode())))
