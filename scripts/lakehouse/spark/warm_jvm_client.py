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
REPLY_TIMEOUT_S = 1.0  # for either side to send the next message


@contextmanager
def attached_to_warm_jvm(address: Path) -> Iterator[None]:
    """Make PySpark use the warm JVM at this socket, unless there is none or it is in use."""
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(REPLY_TIMEOUT_S)
        try:
            connection.connect(str(address))
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
