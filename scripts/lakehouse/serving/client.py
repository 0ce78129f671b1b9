"""Ask the Thrift server in SQL, as Power BI does."""

import logging
import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any

from pyhive import exc, hive
from thrift.transport.TTransport import TTransportException

from lakehouse.errors import LakehouseError, NotReady
from lakehouse.settings import Settings

CONNECTION_ERRORS = (TTransportException, EOFError, OSError)
THRIFT_USER = "admin"  # The server asks for no password: whoever reaches its port reads the figures.

# What they have to say comes as an exception; else each try while a server starts would be a stack trace.
logging.getLogger("thrift").setLevel(logging.CRITICAL)
logging.getLogger("pyhive").setLevel(logging.WARNING)


class QueryError(LakehouseError):
    """A statement that the server did not carry out; `condition` is Spark's name of the error, where it has one."""

    def __init__(self, reason: str) -> None:
        found = re.search(r"\[([A-Z0-9_.]+)\]", reason)
        self.condition = found[1] if found else None
        super().__init__(f"the Thrift server refused: {reason}")


@dataclass(frozen=True)
class QueryResult:
    """An answer: DECIMAL as Decimal, TIMESTAMP as datetime, DATE as text."""

    columns: list[str]
    rows: list[tuple[Any, ...]]


def query(settings: Settings, sql: str) -> QueryResult:
    """Give the answer to one statement; NotReady when no server is there, Refused with its reason when it says no."""
    with open_session(settings) as cursor:
        return execute(cursor, sql)


@contextmanager
def open_session(settings: Settings) -> Iterator[hive.Cursor]:
    """Give a cursor in a session of its own, and close both.

    NotReady where no server is there, or where it goes away meanwhile.
    """
    try:
        connection = hive.connect(settings.thrift_host, settings.thrift_port, username=THRIFT_USER)
        try:
            yield connection.cursor()
        finally:
            # The answers were given, or an error is on its way: what goes wrong in closing changes neither.
            with suppress(*CONNECTION_ERRORS, exc.Error):
                connection.close()
    except CONNECTION_ERRORS as error:
        raise NotReady(
            f"the Thrift server does not answer at {settings.thrift_host}:{settings.thrift_port}. "
            "Start it (make up), or correct THRIFT_HOST and THRIFT_PORT."
        ) from error


def execute(cursor: hive.Cursor, sql: str) -> QueryResult:
    """Give the answer to one statement in an open session; Spark answers a command too, sometimes with no column."""
    try:
        cursor.execute(sql)
        if not cursor.description:
            return QueryResult([], [])
        return QueryResult([column[0] for column in cursor.description], cursor.fetchall())
    except exc.OperationalError as error:
        raise QueryError(_error_message(error)) from error


def _error_message(error: exc.OperationalError) -> str:
    """Give the first line of what the server says, from Spark's name of the error on."""
    detail = error.args[0] if error.args else error
    message = getattr(detail, "errorMessage", None) or getattr(getattr(detail, "status", None), "errorMessage", None)
    first = str(message or detail).split("\n", 1)[0]
    return first[max(0, first.rfind("[")) :] if re.search(r"\[[A-Z0-9_.]+\]", first) else first
