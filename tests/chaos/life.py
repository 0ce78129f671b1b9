"""What goes on all the while that things die."""

import signal
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from random import Random
from threading import Event

from chaos.jobs import Job
from chaos.reader import Reader
from chaos.steps import MAINTENANCE, REFRESH
from chaos.system import System
from chaos.work import Work


class Life:
    """Somebody writes, somebody reads, a refresh runs after the other, and so does maintenance."""

    def __init__(self, system: System, seed: int) -> None:
        self.work, self.reader = Work(system.settings, Random(seed)), Reader(system)
        self.refresh, self.maintenance = Job(system, REFRESH, pause=3.0), Job(system, MAINTENANCE, pause=15.0)

    @property
    def refreshed(self) -> int:
        """How many refreshes have come to their end, or died on their way."""
        return self.refresh.ended[0] + self.refresh.ended[-signal.SIGKILL]

    @contextmanager
    def goes_on(self) -> Iterator[None]:
        stop, all_of_it = Event(), (self.work, self.reader, self.refresh, self.maintenance)
        with ThreadPoolExecutor(len(all_of_it)) as pool:
            running = [pool.submit(one.run, stop) for one in all_of_it]
            try:
                yield
            except BaseException:
                self.refresh.end()
                self.maintenance.end()
                raise
            finally:
                stop.set()
            for one in running:
                one.result()
