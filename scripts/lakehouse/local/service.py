"""The definition of a service of local mode: its command, its dependencies, its readiness check."""

import sys
from collections.abc import Callable
from dataclasses import dataclass

from lakehouse.settings import ROOT

JOBS_DIR = ROOT / "scripts" / "Jobs_Spark"


def _do_nothing() -> None:
    pass


@dataclass(frozen=True)
class Service:
    """One supervised child process.

    `prepare` creates its folders and files, and can be repeated after an interruption anywhere.
    `readiness` returns what the service still lacks, or None once it answers.
    `on_ready` runs each time the service has just become ready.
    `depends_on` names the services that must be ready before this one starts.
    Services of a lower `stop_stage` stop first; `stop_group` signals the children too.
    A `oneshot` service is ready once it has ended with exit code 0.
    `timeout`, in seconds, is for a service that hangs: a slow machine needs minutes, and an exit is noticed at once.
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
    """Return the command that runs an entry point of scripts/Jobs_Spark."""
    return (sys.executable, "-u", str(JOBS_DIR / script), *arguments)
