"""Connections to the Thrift server below its Python client: logins as bytes, and calls that are no SQL."""

import socket
import struct
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress

from pyhive import exc, hive

from lakehouse.serving.client import CONNECTION_ERRORS, open_connection
from lakehouse.settings import Settings

START, CONTINUE, COMPLETE = 1, 2, 5  # states of Thrift's SASL negotiation


def login_is_accepted(settings: Settings, message: bytes) -> bool:
    """Send one message of SASL PLAIN, and return whether the server lets its sender in."""
    with socket.create_connection((settings.thrift_host, settings.thrift_port), timeout=60) as connection:
        for state, payload in ((START, b"PLAIN"), (CONTINUE, message)):
            connection.sendall(struct.pack(">BI", state, len(payload)) + payload)
        with connection.makefile("rb") as answer:
            return answer.read(1) == bytes([COMPLETE])


@contextmanager
def connection(settings: Settings, configuration: Mapping[str, str] | None = None) -> Iterator[hive.Connection]:
    """Yield a reader's connection that was opened with these settings."""
    opened = hive.connect(
        settings.thrift_host, settings.thrift_port, username="admin", configuration=dict(configuration or {})
    )
    try:
        yield opened
    finally:
        opened.close()


@contextmanager
def reader(settings: Settings, user: str, password: str) -> Iterator[hive.Cursor]:
    """Yield a cursor of a user's session, which may be closed by the server meanwhile."""
    opened = open_connection(settings, user, password)
    try:
        yield opened.cursor()
    finally:
        with suppress(exc.Error, *CONNECTION_ERRORS):
            opened.close()


def is_let_in(settings: Settings, user: str, password: str) -> bool:
    """Return whether a name and a password get a session, by the client that people use."""
    try:
        with reader(settings, user, password):
            return True
    except CONNECTION_ERRORS:
        return False
