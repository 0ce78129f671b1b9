"""Client of the warm JVM (spark/warm_jvm_server.py): a job that attaches to it need not start its own.

The job keeps its connection open while it uses the JVM, and sends DONE at its end.
"""

import json
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ATTACHED, DONE = b"taken\n", b"done\n"
MAX_SOCKET_PATH_BYTES = 103  # of macOS; Linux has 107
REPLY_TIMEOUT_S = 1.0  # for either side to send the next message


@contextmanager
def short_path(address: Path) -> Iterator[str]:
    """Yield a path of the socket that is short enough for one: by its folder's descriptor where its own is too long.

    Raises OSError where that is not possible, or there is no such folder.
    """
    if len(os.fsencode(address)) <= MAX_SOCKET_PATH_BYTES:
        yield str(address)
        return
    folder = os.open(address.parent, os.O_RDONLY)
    try:
        yield f"/proc/self/fd/{folder}/{address.name}"
    finally:
        os.close(folder)


@contextmanager
def attached_to_warm_jvm(address: Path) -> Iterator[None]:
    """Make PySpark use the warm JVM at this socket, unless there is none or it is in use."""
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(REPLY_TIMEOUT_S)
        try:
            with short_path(address) as path:
                connection.connect(path)
            gateway_address = json.loads(connection.makefile().readline())
            connection.sendall(ATTACHED)
        except (OSError, ValueError):
            yield
            return
        os.environ["PYSPARK_GATEWAY_PORT"], os.environ["PYSPARK_GATEWAY_SECRET"] = (
            gateway_address["port"],
            gateway_address["secret"],
        )
        yield
        connection.sendall(DONE)
