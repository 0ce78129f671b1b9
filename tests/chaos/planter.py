"""A fault planted in the lake in the middle of a run. The system's own checkers have to report it."""

import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field

import psutil

from chaos.background_load import BackgroundLoad
from chaos.checker import check_system
from chaos.faults import Fault
from chaos.lake_checker import check_offsets
from chaos.planting import PLANTS
from chaos.processes import STREAM_SERVICE, processes_of
from chaos.repeating_job import RepeatingJob
from chaos.reports import COMPARISON, RECONCILE, Line, find_alarms, find_reports, read_logs
from chaos.summary import self_repairs
from chaos.system_under_test import SystemUnderTest
from chaos.topic_offsets import read_offsets
from lakehouse.cdc.lake import Lake
from lakehouse.cdc.table_store import TableStore
from lakehouse.contracts import CAPTURED
from lakehouse.errors import LakehouseError, NotReady
from lakehouse.retries import wait_until
from lakehouse.spark.session import session
from support.system import Log
from support.timing import seconds

RESTART_TIMEOUT = seconds(120)


@dataclass
class Planter:
    """A fault by its name in PLANTS, to be planted once, after `delay` seconds of faults."""

    system: SystemUnderTest
    plant: str
    delay: float
    log: Log
    planted: bool = False
    _started_at: float | None = None
    _early_alarms: list[Line] = field(default_factory=list)

    def poll(self) -> Fault | None:
        """Plant the fault if it is due, and return it. The first call starts the delay."""
        self._started_at = self._started_at or time.monotonic()
        if self.planted or time.monotonic() - self._started_at < self.delay:
            return None
        return self._plant()

    def _plant(self) -> Fault:
        self._early_alarms = find_alarms(self.system.stack.logs)
        description = PLANTS[self.plant](TableStore(self.system.settings.lake))
        self.planted = True
        return Fault(f"planted in {description}")

    def check(self, background_load: BackgroundLoad) -> None:
        """Let each checker run once more, and print what reported the fault; plant it where no fault left the time.

        Raises LakehouseError where a checker that should have reported it did not, or reported one before it was there.
        """
        if not self.planted:
            self.log(f"{self._plant().description}, after the last fault")
        if self._early_alarms:
            raise LakehouseError(f"false alarms before {self.plant} was planted: {self._early_alarms[0]}")
        self.run_checkers(background_load)
        lines = [*read_logs(self.system.stack.logs), *(Line(COMPARISON, text) for text in self.compare())]
        found, unmet = find_reports(self.plant, lines)
        for line in found:
            self.log(f"{self.plant} reported by {line}")
        if unmet:
            raise LakehouseError(f"{self.plant} was planted, and not reported by {'; nor by '.join(unmet)}.")

    def run_checkers(self, background_load: BackgroundLoad) -> None:
        """Restart the stream, then run a refresh, maintenance and reconcile; each may fail because of the fault."""
        self._restart_stream()
        reconcile = RepeatingJob(self.system, RECONCILE, pause=0)
        for job in (background_load.refresh, background_load.maintenance, reconcile):
            self.log(f"{job.script} ended with exit code {job.run_once()}")

    def _restart_stream(self) -> None:
        """Kill the stream, so that it checks its tables at its start, and wait until it is ready again."""
        for process in processes_of(STREAM_SERVICE, self.system, {}):
            with suppress(psutil.NoSuchProcess):
                process.kill()
        with suppress(NotReady):
            wait_until(self._is_stream_ready, timeout=RESTART_TIMEOUT, missing=STREAM_SERVICE, interval=1.0)

    def _is_stream_ready(self) -> bool:
        return any(service.name == STREAM_SERVICE and service.ready for service in self.system.stack.status())

    def compare(self) -> Iterator[str]:
        """Yield the differences that the run's own comparison finds, or the error that prevents it."""
        settings = self.system.settings
        yield from self_repairs(self.system)
        with session(settings, "refresh") as spark:
            topic_offsets = read_offsets(settings, [contract.topic for contract in CAPTURED])
            yield from map(str, check_offsets(Lake(spark, TableStore(settings.lake)), topic_offsets))
            try:
                yield from check_system(self.system, spark).differences
            except LakehouseError as error:
                yield str(error)
