"""Jobs that run repeatedly, as their commands do, each run in a process of its own."""

import subprocess
import sys
from collections import Counter
from dataclasses import dataclass, field
from threading import Event

from chaos.system_under_test import SystemUnderTest, with_failpoints
from lakehouse.local.service import JOBS_DIR

STOP_POLL_INTERVAL = 0.5  # seconds


@dataclass
class RepeatingJob:
    """A script or module that runs repeatedly until it is stopped, with its runs counted by exit code.

    An `endless` job does not exit by itself: it is terminated when it is stopped.
    """

    system: SystemUnderTest
    script: str
    pause: float  # seconds between two runs
    endless: bool = False
    process: subprocess.Popen[bytes] | None = None
    exit_codes: Counter[int] = field(default_factory=Counter)

    def run(self, stop: Event) -> None:
        """Run the job again and again until `stop` is set."""
        while not stop.wait(self.pause):
            self.exit_codes[self.run_once(stop if self.endless else None)] += 1

    def run_once(self, stop: Event | None = None) -> int:
        """Run the job until it exits, or until `stop` is set, and return its exit code."""
        command, stack = with_failpoints(self._command), self.system.stack
        with (stack.logs / f"{self.script}.log").open("ab") as log_file:
            self.process = subprocess.Popen(
                command, env=stack.environment(), stdout=log_file, stderr=log_file, start_new_session=True
            )
            if stop:
                while self.pid and not stop.wait(STOP_POLL_INTERVAL):
                    pass
                self.terminate()
            return self.process.wait()

    def terminate(self) -> None:
        """Send SIGTERM to the running process, if there is one."""
        if self.process and self.process.poll() is None:
            self.process.terminate()

    @property
    def pid(self) -> int | None:
        """The id of the running process; None between two runs."""
        running = self.process
        return running.pid if running and running.poll() is None else None

    @property
    def _command(self) -> tuple[str, ...]:
        target = ("-m", self.script) if self.script.startswith("chaos.") else (str(JOBS_DIR / self.script),)
        return (sys.executable, *target)

    def __str__(self) -> str:
        counts = ", ".join(f"{count} with exit code {code}" for code, count in sorted(self.exit_codes.items()))
        return f"{self.script}: {counts or 'never ended'}"
