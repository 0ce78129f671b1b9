"""The tables and roles of the source Postgres, created by the files of initdb."""

from lakehouse.settings import ROOT, Settings
from lakehouse.source.own_postgres import ensure_own_postgres
from lakehouse.source.postgres import Connection
from lakehouse.source.roles import grant_login

DDL_DIR = ROOT / "initdb"


def apply_ddl(conn: Connection, settings: Settings) -> None:
    """Run initdb/*.sql in the order of their names, in one transaction, and set the passwords of its roles.

    Idempotent, so that a new table reaches an old database too. Raises SourceMismatch where the Postgres is another
    stack's.
    """
    ensure_own_postgres(conn, settings)
    with conn.transaction():
        # Two concurrent runs would both try to create a missing role.
        conn.execute("SELECT pg_advisory_xact_lock(hashtext('initdb'))")
        for file in sorted(DDL_DIR.glob("*.sql")):
            conn.execute(file.read_bytes())
        grant_login(conn, settings)
