"""What a service of local mode is: a command, what it needs before, and how to tell that it is ready."""

import sys
from collections.abc import Callable
from dataclasses import dataclass

from lakehouse.settings import ROOT

JOBS_DIR = ROOT / "scripts" / "Jobs_Spark"


def _do_nothing() -> None:
    pass


@dataclass(frozen=True)
class Service:
    """One supervised child.

    `prepare` makes its folders and files, and may be called again after having been interrupted anywhere.
    `missing` says what is still awaited, or None once the service answers; `first` is done each time it has
    just become ready. `after` names the services that must be ready before this one starts.
    A `once` service runs, ends with exit code 0, and is ready by that.
    `timeout`, in seconds, is for one that hangs: a slow machine needs minutes, and one that ends is told apart.
    """

    name: str
    command: tuple[str, ...]
    address: str = ""
    readiness: Callable[[], str | None] = lambda: None
    prepare: Callable[[], None] = _do_nothing
    on_ready: Callable[[], None] = _do_nothing
    depends_on: tuple[str, ...] = ()
    stop_signal: str = "TERM"
    stop_stage: int = 1
    stop_group: bool = True
    oneshot: bool = False
    timeout: float = 300


def job_command(script: str, *arguments: str) -> tuple[str, ...]:
    """Give the command that runs an entry point of scripts/Jobs_Spark."""
    return (sys.executable, "-u", str(JOBS_DIR / script), *arguments)
