"""Jobs that run again and again, as their commands do it, each time a process of its own."""

import subprocess
import sys
from collections import Counter
from dataclasses import dataclass, field
from threading import Event

from chaos.system import System, mortal
from lakehouse.local.service import JOBS


@dataclass
class Job:
    """One script, run until told to stop; how its runs ended is counted by exit code."""

    system: System
    script: str
    pause: float  # seconds between two runs
    process: subprocess.Popen[bytes] | None = None
    ended: Counter[int] = field(default_factory=Counter)

    def run(self, stop: Event) -> None:
        while not stop.wait(self.pause):
            self.ended[self.once()] += 1

    def once(self) -> int:
        """Run it to its end, and give its exit code."""
        command, stack = mortal((sys.executable, str(JOBS / self.script))), self.system.stack
        with (stack.logs / f"{self.script}.log").open("ab") as said:
            self.process = subprocess.Popen(
                command, env=stack.environment(), stdout=said, stderr=said, start_new_session=True
            )
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

    def __str__(self) -> str:
        ended = ", ".join(f"{count} with exit code {code}" for code, count in sorted(self.ended.items()))
        return f"{self.script}: {ended or 'never ended'}"
