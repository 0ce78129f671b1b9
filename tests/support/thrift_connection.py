"""Connections to the Thrift server below its Python client: logins as bytes, and calls that are no SQL."""

import socket
import struct
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from pyhive import hive

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
