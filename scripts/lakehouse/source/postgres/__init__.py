"""Connections to the source Postgres: the only part of the project that imports psycopg2."""

from psycopg2 import DataError, Error, OperationalError, ProgrammingError, errors, sql
from psycopg2.extensions import encrypt_password

from lakehouse.source.postgres.connection import TRANSIENT_ERRORS, Connection, Cursor
from lakehouse.source.postgres.deadlines import DEFAULT_DEADLINE_S, LONG_DEADLINE_S, DeadlineExceeded
from lakehouse.source.postgres.opening import connect, connection_lost, short_connection, ssl_options
from lakehouse.source.postgres.server_info import current_timeline, current_wal_lsn, db_now, system_identifier
from lakehouse.source.postgres.types import Jsonb

__all__ = [
    "DEFAULT_DEADLINE_S",
    "LONG_DEADLINE_S",
    "TRANSIENT_ERRORS",
    "Connection",
    "Cursor",
    "DataError",
    "DeadlineExceeded",
    "Error",
    "Jsonb",
    "OperationalError",
    "ProgrammingError",
    "connect",
    "connection_lost",
    "current_timeline",
    "current_wal_lsn",
    "db_now",
    "encrypt_password",
    "errors",
    "short_connection",
    "sql",
    "ssl_options",
    "system_identifier",
]
