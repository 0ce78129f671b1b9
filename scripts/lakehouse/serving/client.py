"""A SQL client of the Thrift server, over the protocol that Power BI uses."""

import logging
import re
import ssl
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from typing import Any

from pyhive import exc, hive
from thrift.transport.TSocket import TSocket
from thrift.transport.TSSLSocket import TSSLSocket
from thrift.transport.TTransport import TTransportException
from thrift_sasl import TSaslClientTransport

from lakehouse.contracts.company import START_COMMANDS
from lakehouse.errors import LakehouseError, NotReady
from lakehouse.serving.owner_login import OWNER_LOGIN, read_owner_password
from lakehouse.settings import Settings

CONNECTION_ERRORS = (TTransportException, EOFError, OSError)
OPENING_TIMEOUT_S, ANSWER_TIMEOUT_S = 60, 900  # the server's own limit of a question is 60 s at first
MECHANISM = "PLAIN"  # of SASL
READER, NO_PASSWORD = "admin", "x"  # the login that needs no password until a user is made

# Their errors are raised anyway; logged, each attempt while a server starts would be a stack trace.
logging.getLogger("thrift").setLevel(logging.CRITICAL)
logging.getLogger("pyhive").setLevel(logging.WARNING)


class QueryError(LakehouseError):
    """A statement that the server rejected; `condition` is Spark's error condition, where the message names one."""

    def __init__(self, reason: str) -> None:
        match = re.search(r"\[([A-Z0-9_.]+)\]", reason)
        self.condition = match[1] if match else None
        super().__init__(f"the Thrift server refused: {reason}")


@dataclass(frozen=True)
class QueryResult:
    """The result of a statement: DECIMAL as Decimal, TIMESTAMP as datetime, DATE as text."""

    columns: list[str]
    rows: list[tuple[Any, ...]]


def query(settings: Settings, sql: str, *, as_owner: bool = False) -> QueryResult:
    """Return the result of one statement, in a session of its own.

    Raises NotReady where no server answers, and QueryError with the reason where the server rejects the statement.
    """
    with open_session(settings, as_owner=as_owner) as cursor:
        return execute(cursor, sql)


@contextmanager
def open_session(settings: Settings, *, as_owner: bool = False) -> Iterator[hive.Cursor]:
    """Yield a cursor in a session of its own, and close both. The session is a reader's, or the views' owner's.

    Raises NotReady where no server answers, or the connection is lost meanwhile.
    """
    login = (OWNER_LOGIN, read_owner_password(settings.thrift_owner_file)) if as_owner else (READER, NO_PASSWORD)
    try:
        connection = open_connection(settings, *login)
        try:
            yield connection.cursor()
        finally:
            # The results were returned or an error is being raised: an error while closing changes neither.
            with suppress(*CONNECTION_ERRORS, exc.Error):
                connection.close()
    except CONNECTION_ERRORS as error:
        raise NotReady(
            f"the Thrift server does not answer at {settings.thrift_host}:{settings.thrift_port}. "
            f"Start it ({START_COMMANDS}), or correct THRIFT_HOST and THRIFT_PORT."
        ) from error


def open_connection(settings: Settings, user: str, password: str) -> hive.Connection:
    """Return an open connection under a name, encrypted where the server has a certificate.

    Neither its opening nor an answer takes for ever: another program may have the port.
    Raises one of CONNECTION_ERRORS where no server answers, or where it refuses the login.
    """
    socket = _socket(settings)
    socket.setTimeout(1000 * OPENING_TIMEOUT_S)
    socket.open()  # PyHive closes one that could not be opened, which is an error of another kind
    login = partial(hive.get_installed_sasl, socket.host, MECHANISM, username=user, password=password)
    connection = hive.connect(username=user, thrift_transport=TSaslClientTransport(login, MECHANISM, socket))
    socket.setTimeout(1000 * ANSWER_TIMEOUT_S)
    return connection


def _socket(settings: Settings) -> TSocket:
    address = settings.thrift_host, settings.thrift_port
    if settings.thrift_certificate is None:
        return TSocket(*address)
    context = ssl.create_default_context(cafile=str(settings.thrift_certificate_pem))
    # This one certificate is trusted, whoever signed it and whatever the server is called here.
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    context.check_hostname = False
    return TSSLSocket(*address, ssl_context=context, validate_callback=lambda *_: None)  # else by the name


def execute(cursor: hive.Cursor, sql: str) -> QueryResult:
    """Return the result of one statement in an open session; a command's result may have no columns.

    Raises QueryError where the server rejects the statement.
    """
    try:
        cursor.execute(sql)
        if not cursor.description:
            return QueryResult([], [])
        return QueryResult([column[0] for column in cursor.description], cursor.fetchall())
    except exc.OperationalError as error:
        raise QueryError(_error_message(error)) from error


def _error_message(error: exc.OperationalError) -> str:
    """Return the first line of the server's message, from Spark's error condition on."""
    detail = error.args[0] if error.args else error
    message = getattr(detail, "errorMessage", None) or getattr(getattr(detail, "status", None), "errorMessage", None)
    first = str(message or detail).split("\n", 1)[0]
    return first[max(0, first.rfind("[")) :] if re.search(r"\[[A-Z0-9_.]+\]", first) else first
