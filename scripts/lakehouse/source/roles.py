"""The logins of Postgres, created by initdb, with passwords from variables or files (lakehouse.passwords).

DB_USER is the administrator, usually a superuser: initdb's first file alone runs as that. The loader owns the tables,
loads and migrates. Debezium, the workers and readers have only the rights that initdb grants.
"""

from collections.abc import Mapping

from lakehouse.kafka_login import (
    CONTROLLER_ACCOUNT,
    DISTANCE_ACCOUNT,
    NOTIFIER_ACCOUNT,
    REFRESH_ACCOUNT,
    STREAM_ACCOUNT,
    as_account,
)
from lakehouse.passwords import Password, password_of, read_password
from lakehouse.settings import Settings
from lakehouse.source.postgres import Connection, encrypt_password, sql

LOADER_ROLE, CAPTURE_ROLE, READER_ROLE = "rh_sport_loader", "rh_sport_capture", "rh_sport_reader"
# The stream's, the distance worker's, and the notifier's.
WORKER_ROLE, DISTANCE_ROLE, NOTIFIER_ROLE = "rh_sport_worker", "rh_sport_distance", "rh_sport_notifier"
PASSWORD_NAMES: Mapping[str, Password] = {
    LOADER_ROLE: "db_loader_password",
    CAPTURE_ROLE: "db_capture_password",
    WORKER_ROLE: "db_worker_password",
    DISTANCE_ROLE: "db_distance_password",
    NOTIFIER_ROLE: "db_notifier_password",
    READER_ROLE: "db_reader_password",
}
ROLE_NAMES = tuple(PASSWORD_NAMES)
# With its login a program has its account of Kafka.
KAFKA_ACCOUNTS: Mapping[str, str] = {
    LOADER_ROLE: REFRESH_ACCOUNT,
    WORKER_ROLE: STREAM_ACCOUNT,
    DISTANCE_ROLE: DISTANCE_ACCOUNT,
    NOTIFIER_ROLE: NOTIFIER_ACCOUNT,
}


def loader_settings() -> Settings:
    """Return the settings of a command of ours, which uses the loader's login and never the administrator's."""
    return as_loader(Settings())


def controller_settings() -> Settings:
    """Return the settings of the connector's controller: the loader's login, and the account that creates topics."""
    return as_account(loader_settings(), CONTROLLER_ACCOUNT)


def as_loader(settings: Settings) -> Settings:
    """Return the settings with the login that owns the tables."""
    return as_login(settings, LOADER_ROLE)


def as_worker(settings: Settings) -> Settings:
    """Return the settings with the stream's login."""
    return as_login(settings, WORKER_ROLE)


def as_distance_worker(settings: Settings) -> Settings:
    """Return the settings with the distance worker's login, the only one that writes distance_cache."""
    return as_login(settings, DISTANCE_ROLE)


def as_notifier(settings: Settings) -> Settings:
    """Return the settings with the Slack notifier's login."""
    return as_login(settings, NOTIFIER_ROLE)


def grant_login(conn: Connection, settings: Settings) -> None:
    """Set the LOGIN option and the password of each role."""
    for role, name in PASSWORD_NAMES.items():
        options = "LOGIN REPLICATION" if role == CAPTURE_ROLE else "LOGIN NOREPLICATION"
        set_password(conn, role, read_password(settings, name), options)


def set_password(conn: Connection, role: str, password: str, options: str = "") -> None:
    """Set a role's password, and other options of it."""
    # Hashed here, because Postgres may log the statement.
    hashed = encrypt_password(password, role, scope=conn, algorithm="scram-sha-256")
    statement = sql.SQL("ALTER ROLE {role} " + options + " PASSWORD {password}")
    conn.execute(statement.format(role=sql.Identifier(role), password=sql.Literal(hashed)))


def as_login(settings: Settings, role: str) -> Settings:
    """Return the settings with the login of a role: its name, and its password or the password's file.

    With it comes the account of Kafka of the programs that use it.
    """
    password = password_of(settings, PASSWORD_NAMES[role], "db_password")
    own = settings.model_copy(update={"db_user": role, **password})
    return as_account(own, KAFKA_ACCOUNTS[role]) if role in KAFKA_ACCOUNTS else own
