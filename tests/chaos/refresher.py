"""Refreshes one after the other, as the command does it, each a process of its own."""

import subprocess
import sys
from collections import Counter
from dataclasses import dataclass, field
from threading import Event

from chaos.system import System, mortal
from lakehouse.local.services import JOBS


@dataclass
class Refresher:
    """Refreshes until told to stop; how they ended is counted by exit code."""

    system: System
    process: subprocess.Popen[bytes] | None = None
    ended: Counter[int] = field(default_factory=Counter)

    def run(self, stop: Event) -> None:
        command = mortal((sys.executable, str(JOBS / "batch_refresh_silver_gold.py")))
        log = self.system.stack.logs / "refresh.log"
        while not stop.wait(1.0):
            with log.open("ab") as said:
                self.process = subprocess.Popen(
                    command,
                    env=self.system.stack.environment(),
                    stdout=said,
                    stderr=said,
                    start_new_session=True,
                )
                self.ended[self.process.wait()] += 1

    @property
    def pid(self) -> int | None:
        """The running refresh's process, None between two."""
        running = self.process
        return running.pid if running and running.poll() is None else None
