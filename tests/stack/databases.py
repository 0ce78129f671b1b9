"""Separate databases in a running Postgres, so that tests do not see each other's rows."""

from collections.abc import Iterator
from contextlib import contextmanager
from uuid import uuid4

from lakehouse.settings import Settings
from lakehouse.source.ddl import apply_ddl
from lakehouse.source.postgres import connect, sql


@contextmanager
def fresh_database(settings: Settings) -> Iterator[Settings]:
    """Create a database with the project's tables, and drop it when the block ends."""
    own = settings.model_copy(update={"db_name": f"test_{uuid4().hex}"})
    server = settings.model_copy(update={"db_name": "postgres"})
    with connect(server, autocommit=True) as conn:
        conn.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(own.db_name)))
    try:
        with connect(own) as conn:
            apply_ddl(conn, own)
        yield own
    finally:
        with connect(server, autocommit=True) as conn:
            conn.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(own.db_name)))
