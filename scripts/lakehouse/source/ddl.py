"""The tables and logins of the source Postgres, created by the files of initdb."""

from lakehouse.errors import UsageError
from lakehouse.passwords import read_password
from lakehouse.settings import ROOT, Settings
from lakehouse.source.own_postgres import ensure_own_postgres
from lakehouse.source.postgres import LONG_DEADLINE_S, Connection, connect
from lakehouse.source.roles import LOADER_ROLE, ROLE_NAMES, as_loader, grant_login, set_password

DDL_DIR = ROOT / "initdb"
ADMINISTRATOR_FILE = DDL_DIR / "00_foundation.sql"


def apply_ddl(settings: Settings, *, timeout: float = 0.0) -> None:
    """Run initdb/*.sql in the order of their names, and set the passwords of its logins.

    The first file runs as DB_USER, and nothing else does; the others run as the loader, who owns the tables. Where
    DB_USER is the loader, create_logins has run the first one.
    Idempotent, so that a new table reaches an old database too. Waits up to `timeout` seconds for Postgres.
    Raises SourceMismatch where the Postgres is another stack's.
    """
    if settings.db_user != LOADER_ROLE:
        create_logins(settings, timeout=timeout)
    with connect(as_loader(settings), autocommit=True, timeout=timeout, deadline=LONG_DEADLINE_S) as conn:
        ensure_own_postgres(conn, settings)
        with conn.transaction():
            _wait_for_other_run(conn)
            for file in sorted({*DDL_DIR.glob("*.sql")} - {ADMINISTRATOR_FILE}):
                conn.execute(file.read_bytes())


def create_logins(settings: Settings, *, timeout: float = 0.0) -> None:
    """Run initdb's first file as DB_USER, and set the passwords of the logins that it creates.

    Raises UsageError where DB_USER is one of these, and SourceMismatch where the Postgres is another stack's.
    """
    if settings.db_user in ROLE_NAMES:
        raise UsageError(
            f"DB_USER={settings.db_user} is one of the logins that initdb creates, with few rights. "
            "DB_USER is the administrator, who creates them: another name."
        )
    with connect(settings, autocommit=True, timeout=timeout, deadline=LONG_DEADLINE_S) as conn:
        ensure_own_postgres(conn, settings)
        # The loader may create a function or an operator in public: the administrator's statements do not find it.
        conn.execute("SET search_path TO pg_catalog")
        with conn.transaction():
            _wait_for_other_run(conn)
            conn.execute(ADMINISTRATOR_FILE.read_bytes())
            grant_login(conn, settings)
            if settings.db_host.startswith("/"):  # a socket, which lets in without it: Postgres may have an older one
                set_password(conn, settings.db_user, read_password(settings, "db_password"))


def _wait_for_other_run(conn: Connection) -> None:
    """Wait until no other run is at work: two would both try to create what is missing."""
    conn.execute("SELECT pg_advisory_xact_lock(hashtext('initdb'))")
