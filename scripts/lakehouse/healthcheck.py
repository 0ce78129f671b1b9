"""A heartbeat file that a healthy service touches; scripts/healthcheck.sh compares its age with a limit."""

from collections.abc import Callable
from pathlib import Path


def make_heartbeat(file: Path | None) -> Callable[[], None]:
    """Return a function that touches the heartbeat file; it does nothing where `file` is None."""

    def beat() -> None:
        if file:
            file.touch()

    return beat
