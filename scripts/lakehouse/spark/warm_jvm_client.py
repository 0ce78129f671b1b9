"""A JVM that another process keeps warm (cdc/keeper.py), borrowed for one job: it need not start one.

The job holds the line as long as it uses the JVM, and says at its end that it is done.
"""

import json
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ATTACHED, DONE = b"taken\n", b"done\n"
REPLY_TIMEOUT_S = 1.0  # seconds for either side to say the next word


@contextmanager
def attached_to_warm_jvm(address: Path) -> Iterator[None]:
    """Have PySpark use the JVM that is kept at this address, unless there is none, or it is in use."""
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
