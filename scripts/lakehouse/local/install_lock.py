"""Run a command while no other `make` installs into this checkout; wait for one that does, and name its pid.

Standard library only, in syntax that an old Python can parse: it is started before .venv exists.
"""

from __future__ import annotations

import signal

signal.signal(signal.SIGINT, signal.SIG_DFL)  # Ctrl-C: no traceback

import fcntl
import os
import sys
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[3]
LOCK_EXAMPLE = "example: python3 scripts/lakehouse/local/install_lock.py make --help"


def run_locked(lock: Path, command: list[str]) -> None:
    """Replace this process with the command, which holds the lock until it and its children have ended."""
    lock.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor = os.open(str(lock), os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        holder = os.pread(descriptor, 20, 0).decode("ascii", "replace").strip() or "unknown"
        print(f"Another `make` installs into this checkout, with pid {holder}: waiting until it ends.", flush=True)
        fcntl.flock(descriptor, fcntl.LOCK_EX)
    os.ftruncate(descriptor, 0)
    os.pwrite(descriptor, f"{os.getpid()}\n".encode("ascii"), 0)
    os.set_inheritable(descriptor, True)
    os.execvp(command[0], command)  # noqa: S606 - no shell is needed


if __name__ == "__main__":
    if sys.argv[1:] in ([], ["--help"], ["-h"]):
        print(f"{__doc__}\n{LOCK_EXAMPLE}")
        sys.exit(0 if sys.argv[1:] else 2)
    run_locked(CHECKOUT / ".local" / "install.lock", sys.argv[1:])
