"""What goes on all the while that things die."""

import signal
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from random import Random
from threading import Event

from chaos.jobs import Job
from chaos.reader import Reader
from chaos.steps import CONTINUOUS_MAINTENANCE, MAINTENANCE, REFRESH
from chaos.system import System
from chaos.work import Work


class Life:
    """Somebody writes, somebody reads, a refresh runs after the other, and maintenance all the time."""

    def __init__(self, system: System, seed: int) -> None:
        self.work, self.reader = Work(system.settings, Random(seed)), Reader(system)
        self.refresh = Job(system, REFRESH, pause=3.0)
        self.continuous_maintenance = Job(system, CONTINUOUS_MAINTENANCE, pause=1.0, endless=True)
        # As its command does it, once, when all is over.
        self.maintenance = Job(system, MAINTENANCE, pause=0)

    @property
    def jobs(self) -> Mapping[str, Job]:
        """What can be struck beside the services, by its name among the victims."""
        return {one.script: one for one in (self.refresh, self.continuous_maintenance)}

    @property
    def refreshed(self) -> int:
        """How many refreshes have come to their end, or died on their way."""
        return self.refresh.ended[0] + self.refresh.ended[-signal.SIGKILL]

    @contextmanager
    def goes_on(self) -> Iterator[None]:
        stop, all_of_it = Event(), (self.work, self.reader, self.refresh, self.continuous_maintenance)
        with ThreadPoolExecutor(len(all_of_it)) as pool:
            running = [pool.submit(one.run, stop) for one in all_of_it]
            try:
                yield
            except BaseException:
                self.refresh.end()
                raise
            finally:
                stop.set()
            for one in running:
                one.result()
