"""A heartbeat file that a healthy service touches, and the health check that reads its age.

Imports only the standard library: a health check runs every few seconds, in every container.
"""

import os
import socket
import sys
import time
from collections.abc import Callable
from pathlib import Path

HEARTBEAT_FILE_VAR = "HEARTBEAT_FILE"
USAGE = "usage: python -m lakehouse.healthcheck 60 (heartbeat at most 60 s old) | :10000 (the port is open)"


def make_heartbeat(file: Path | None) -> Callable[[], None]:
    """Return a function that touches the heartbeat file; it does nothing where `file` is None."""

    def beat() -> None:
        if file:
            file.touch()

    return beat


def seconds_since_heartbeat(file: Path) -> float:
    """Return the age of the heartbeat in seconds, infinity where there has been none."""
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
    """Return the exit code: 0 for a healthy service, 1 for an unhealthy one, 2 for wrong arguments."""
    match sys.argv[1:]:
        case [port] if port.startswith(":") and port[1:].isdigit():
            is_healthy = is_port_open(int(port[1:]))
        case [seconds] if seconds.isdigit() and HEARTBEAT_FILE_VAR in os.environ:
            is_healthy = seconds_since_heartbeat(Path(os.environ[HEARTBEAT_FILE_VAR])) <= int(seconds)
        case _:
            print(USAGE, f"; {HEARTBEAT_FILE_VAR} names the heartbeat file", sep="", file=sys.stderr)
            return 2
    return 0 if is_healthy else 1


if __name__ == "__main__":
    sys.exit(main())
