"""What goes on all the while that things die."""

import signal
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from random import Random
from threading import Event

from chaos.bi_reader import BiReader
from chaos.failpoints import CONTINUOUS_MAINTENANCE, MAINTENANCE, REFRESH
from chaos.repeating_job import RepeatingJob
from chaos.system_under_test import SystemUnderTest
from chaos.writer import Writer


class BackgroundLoad:
    """Somebody writes, somebody reads, a refresh runs after the other, and maintenance all the time."""

    def __init__(self, system: SystemUnderTest, seed: int) -> None:
        self.writer, self.reader = Writer(system.settings, Random(seed)), BiReader(system)
        self.refresh = RepeatingJob(system, REFRESH, pause=3.0)
        self.continuous_maintenance = RepeatingJob(system, CONTINUOUS_MAINTENANCE, pause=1.0, endless=True)
        # As its command does it, once, when all is over.
        self.maintenance = RepeatingJob(system, MAINTENANCE, pause=0)

    @property
    def jobs(self) -> Mapping[str, RepeatingJob]:
        """What can be struck beside the services, by its name among the victims."""
        return {one.script: one for one in (self.refresh, self.continuous_maintenance)}

    @property
    def refreshes_ended(self) -> int:
        """How many refreshes have come to their end, or died on their way."""
        return self.refresh.exit_codes[0] + self.refresh.exit_codes[-signal.SIGKILL]

    @contextmanager
    def run_in_background(self) -> Iterator[None]:
        stop, workloads = Event(), (self.writer, self.reader, self.refresh, self.continuous_maintenance)
        with ThreadPoolExecutor(len(workloads)) as pool:
            running = [pool.submit(one.run, stop) for one in workloads]
            try:
                yield
            except BaseException:
                self.refresh.terminate()
                raise
            finally:
                stop.set()
            for one in running:
                one.result()
