"""The load that runs while faults are injected: a writer, a BI reader, refreshes and maintenance."""

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
    """A writer, a BI reader, one refresh after another, and continuous maintenance, each in its own thread."""

    def __init__(self, system: SystemUnderTest, seed: int) -> None:
        self.writer, self.reader = Writer(system.settings, Random(seed)), BiReader(system)
        self.refresh = RepeatingJob(system, REFRESH, pause=3.0)
        self.continuous_maintenance = RepeatingJob(system, CONTINUOUS_MAINTENANCE, pause=1.0, endless=True)
        # Run once by its own command, after the faults have ended.
        self.maintenance = RepeatingJob(system, MAINTENANCE, pause=0)

    @property
    def jobs(self) -> Mapping[str, RepeatingJob]:
        """The jobs that a fault can target besides the services, by script name."""
        return {job.script: job for job in (self.refresh, self.continuous_maintenance)}

    @property
    def refreshes_ended(self) -> int:
        """The number of refreshes that ended with exit code 0 or by SIGKILL."""
        return self.refresh.exit_codes[0] + self.refresh.exit_codes[-signal.SIGKILL]

    @contextmanager
    def run_in_background(self) -> Iterator[None]:
        """Run the load until the block ends, then raise the first error of a thread.

        Where the block raises, the running refresh is terminated.
        """
        stop, workloads = Event(), (self.writer, self.reader, self.refresh, self.continuous_maintenance)
        with ThreadPoolExecutor(len(workloads)) as pool:
            running = [pool.submit(workload.run, stop) for workload in workloads]
            try:
                yield
            except BaseException:
                self.refresh.terminate()
                raise
            finally:
                stop.set()
            for future in running:
                future.result()
