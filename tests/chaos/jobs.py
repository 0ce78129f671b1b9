"""Jobs that run again and again, as their commands do it, each time a process of its own."""

import subprocess
import sys
from collections import Counter
from dataclasses import dataclass, field
from threading import Event

from chaos.system import System, mortal
from lakehouse.local.service import JOBS

POLL_INTERVAL = 0.5  # seconds


@dataclass
class Job:
    """One script, or one of our modules, run until told to stop; how its runs ended is counted by exit code.

    An `endless` one does not end by itself: it is ended when it is told to stop.
    """

    system: System
    script: str
    pause: float  # seconds between two runs
    endless: bool = False
    process: subprocess.Popen[bytes] | None = None
    ended: Counter[int] = field(default_factory=Counter)

    def run(self, stop: Event) -> None:
        while not stop.wait(self.pause):
            self.ended[self.once(stop if self.endless else None)] += 1

    def once(self, stop: Event | None = None) -> int:
        """Run it to its end, or until told to stop, and give its exit code."""
        command, stack = mortal(self._command), self.system.stack
        with (stack.logs / f"{self.script}.log").open("ab") as said:
            self.process = subprocess.Popen(
                command, env=stack.environment(), stdout=said, stderr=said, start_new_session=True
            )
            if stop:
                while self.pid and not stop.wait(POLL_INTERVAL):
                    pass
                self.end()
            return self.process.wait()

    def end(self) -> None:
        """End the running process, if there is one."""
        if self.process and self.process.poll() is None:
            self.process.terminate()

    @property
    def pid(self) -> int | None:
        """The running process, None between two."""
        running = self.process
        return running.pid if running and running.poll() is None else None

    @property
    def _command(self) -> tuple[str, ...]:
        own = ("-m", self.script) if self.script.startswith("chaos.") else (str(JOBS / self.script),)
        return (sys.executable, *own)

    def __str__(self) -> str:
        ended = ", ".join(f"{count} with exit code {code}" for code, count in sorted(self.ended.items()))
        return f"{self.script}: {ended or 'never ended'}"
