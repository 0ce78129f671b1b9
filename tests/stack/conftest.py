"""What the stack tests share."""

from collections.abc import Iterator
from uuid import uuid4

import pytest
from psycopg import sql

from lakehouse.settings import Settings
from lakehouse.source import postgres


@pytest.fixture
def database(settings: Settings) -> Iterator[Settings]:
    """Give a fresh database with the project's tables, in the run's one server; dropped afterwards."""
    name = f"test_{uuid4().hex}"
    with postgres.connect(settings.model_copy(update={"db_name": "postgres"}), autocommit=True) as server:
        server.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        own = settings.model_copy(update={"db_name": name})
        with postgres.connect(own) as conn:
            postgres.apply_ddl(conn)
        try:
            yield own
        finally:
            server.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))
