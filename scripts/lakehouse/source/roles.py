"""The login roles of Postgres, created by initdb, with passwords from variables or files (lakehouse.passwords).

The owner of the tables loads and migrates. Debezium, the workers and readers have only the rights that initdb grants.
"""

from lakehouse.passwords import Password, read_password
from lakehouse.settings import Settings
from lakehouse.source.postgres import Connection, encrypt_password, sql

CAPTURE_ROLE, WORKER_ROLE, READER_ROLE = "rh_sport_capture", "rh_sport_worker", "rh_sport_reader"


def grant_login(conn: Connection, settings: Settings) -> None:
    """Set the LOGIN option and the password of each role."""
    logins: tuple[tuple[str, Password, str], ...] = (
        (CAPTURE_ROLE, "db_capture_password", "LOGIN REPLICATION"),
        (WORKER_ROLE, "db_worker_password", "LOGIN"),
        (READER_ROLE, "db_reader_password", "LOGIN"),
    )
    for role, name, role_options in logins:
        _grant_role_login(conn, role, read_password(settings, name), role_options)


def as_worker(settings: Settings) -> Settings:
    """Return the settings with the worker's login: the stream, the distance worker and the notifier use it."""
    return settings.model_copy(
        update={
            "db_user": WORKER_ROLE,
            "db_password": settings.db_worker_password,
            "db_password_file": settings.db_worker_password_file,
        }
    )


def _grant_role_login(conn: Connection, role: str, password: str, role_options: str) -> None:
    # Hashed here, because Postgres may log the statement.
    hashed = encrypt_password(password, role, scope=conn, algorithm="scram-sha-256")
    statement = sql.SQL("ALTER ROLE {role} " + role_options + " PASSWORD {password}")
    conn.execute(statement.format(role=sql.Identifier(role), password=sql.Literal(hashed)))
