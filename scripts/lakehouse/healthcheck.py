"""A heartbeat file that a healthy service touches; scripts/healthcheck.sh compares its age with a limit."""

import time
from collections.abc import Callable
from pathlib import Path

# The stream's heartbeat stops within 5 s once its lease cannot be proved: it is not ready within 30 s.
STREAM_HEARTBEAT_LIMIT_S = 15.0


def make_heartbeat(file: Path | None) -> Callable[[], None]:
    """Return a function that touches the heartbeat file; it does nothing where `file` is None."""

    def beat() -> None:
        if file:
            file.touch()

    return beat


def is_fresh(file: Path, limit: float, clock: Callable[[], float] = time.time) -> bool:
    """Return whether the heartbeat file was touched in the last `limit` seconds."""
    try:
        return clock() - file.stat().st_mtime <= limit
    except FileNotFoundError:
        return False
