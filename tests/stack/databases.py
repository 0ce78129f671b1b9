"""Separate databases in a running Postgres, so that tests do not see each other's rows."""

from collections.abc import Iterator
from contextlib import contextmanager
from uuid import uuid4

import psutil

from lakehouse.settings import Settings
from lakehouse.source.ddl import apply_ddl
from lakehouse.source.postgres import LONG_DEADLINE_S, connect, sql


@contextmanager
def fresh_database(settings: Settings) -> Iterator[Settings]:
    """Create a database with the project's tables, and drop it when the block ends."""
    own = settings.model_copy(update={"db_name": f"test_{uuid4().hex}"})
    server = settings.model_copy(update={"db_name": "postgres"})
    with connect(server, autocommit=True, deadline=LONG_DEADLINE_S) as conn:
        conn.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(own.db_name)))
    try:
        apply_ddl(own)
        yield own
    finally:
        with connect(server, autocommit=True, deadline=LONG_DEADLINE_S) as conn:
            conn.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(own.db_name)))


def sessions_of_this_process(settings: Settings) -> list[str]:
    """Return the database and the last statement of each connection that this process has open to Postgres.

    Also of one whose session Postgres has ended, as it does when a database is dropped: its socket is still there.
    """
    tcp = psutil.Process().net_connections("tcp")
    ports = [one.laddr.port for one in tcp if one.raddr and one.raddr.port == settings.db_port]
    if not ports:
        return []
    with connect(settings) as conn:
        query = "SELECT client_port, datname || ': ' || query FROM pg_stat_activity WHERE client_port = ANY(%s)"
        statements: dict[int, str] = dict(conn.execute(query, [ports]).fetchall())
    return [statements.get(port, f"port {port}, ended by Postgres") for port in ports]
