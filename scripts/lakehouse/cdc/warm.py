"""A JVM that another process keeps warm (cdc/keeper.py), borrowed for one job: it need not start one.

The job holds the line as long as it uses the JVM, and says at its end that it is done.
"""

import json
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

TAKEN, DONE = b"taken\n", b"done\n"
PATIENCE = 1.0  # seconds for either side to say the next word


@contextmanager
def borrowed(address: Path) -> Iterator[None]:
    """Have PySpark use the JVM that is kept at this address, unless there is none, or it is in use."""
    with socket.socket(socket.AF_UNIX) as line:
        line.settimeout(PATIENCE)
        try:
            line.connect(str(address))
            told = json.loads(line.makefile().readline())
            line.sendall(TAKEN)
        except (OSError, ValueError):
            yield
            return
        os.environ["PYSPARK_GATEWAY_PORT"], os.environ["PYSPARK_GATEWAY_SECRET"] = told["port"], told["secret"]
        yield
        line.sendall(DONE)
