"""A service's sign of life: a file it touches as long as all is well, and the health check that looks how old it is.

Only the standard library: a health check runs every few seconds, in every container.
"""

import os
import socket
import sys
import time
from collections.abc import Callable
from pathlib import Path

HEARTBEAT_FILE_VAR = "HEARTBEAT_FILE"
USAGE = "usage: python -m lakehouse.healthcheck 60 (the sign is at most 60 s old) | :10000 (somebody listens there)"


def make_heartbeat(file: Path | None) -> Callable[[], None]:
    """Give what a service calls as long as all is well; it does nothing where no file was named."""

    def beat() -> None:
        if file:
            file.touch()

    return beat


def seconds_since_heartbeat(file: Path) -> float:
    """Give how many seconds ago the sign was given; for ever, where it never was."""
    try:
        return time.time() - file.stat().st_mtime
    except FileNotFoundError:
        return float("inf")


def is_port_open(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=3).close()
    except OSError:
        return False
    return True


def main() -> int:
    """Exit 0 when the service is well, 1 when it is not, 2 when the question is none."""
    match sys.argv[1:]:
        case [port] if port.startswith(":") and port[1:].isdigit():
            is_healthy = is_port_open(int(port[1:]))
        case [seconds] if seconds.isdigit() and HEARTBEAT_FILE_VAR in os.environ:
            is_healthy = seconds_since_heartbeat(Path(os.environ[HEARTBEAT_FILE_VAR])) <= int(seconds)
        case _:
            print(USAGE, f"; {HEARTBEAT_FILE_VAR} names the sign's file", sep="", file=sys.stderr)
            return 2
    return 0 if is_healthy else 1


if __name__ == "__main__":
    sys.exit(main())
