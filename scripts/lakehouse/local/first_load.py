"""The load of HR's files while the services still start: it needs Postgres and the empty tables alone."""

import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from typing_extensions import Self

from lakehouse.errors import LakehouseError
from lakehouse.settings import ROOT

NEEDED_SERVICES = frozenset({"postgres", "table-init"})


@dataclass
class FirstLoad:
    """A load that starts once the services that it needs are ready; what it prints is shown by `wait`."""

    command: tuple[str, ...]
    environment: Callable[[], Mapping[str, str]]
    needed: frozenset[str] = NEEDED_SERVICES
    _ready: set[str] = field(default_factory=set, init=False)
    _process: "subprocess.Popen[str] | None" = field(default=None, init=False)

    def start_if_possible(self, service: str) -> None:
        """Note that a service is ready, and start the load once all are that it needs."""
        self._ready.add(service)
        if self._process is None and self.needed <= self._ready:
            self._process = subprocess.Popen(
                (sys.executable, *self.command),
                cwd=ROOT,
                env=dict(self.environment()),
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                encoding="utf-8",
                errors="replace",
            )

    def wait(self) -> None:
        """Print what the load says until it ends. Raises LakehouseError where it failed or was never started."""
        print(f"$ python {' '.join(self.command)}", flush=True)
        if self._process is None or self._process.stdout is None:
            raise LakehouseError(f"the load was not started: {', '.join(sorted(self.needed - self._ready))} not ready")
        for line in self._process.stdout:
            print(line, end="", flush=True)
        if code := self._process.wait():
            raise LakehouseError(f"`python {' '.join(self.command)}` ended with {code}; its output is above.")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Stop a load that nobody waits for any more, because something else failed."""
        if self._process and self._process.poll() is None:
            self._process.terminate()
            self._process.wait()
