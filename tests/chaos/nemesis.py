"""The nemesis: it injects one fault after another, each after the system has recovered from the last."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from random import Random

from chaos.background_load import BackgroundLoad
from chaos.failpoint_schedule import FailpointSchedule
from chaos.faults import Fault, inject
from chaos.outages import OutageSchedule
from chaos.recovery import wait_until_recovered
from chaos.system_under_test import SystemUnderTest
from lakehouse.retries import wait_until
from support.system import Log
from support.timing import seconds

REFRESH_TIMEOUT = seconds(600)
FAULT_INTERVAL = (0.5, 2.0)  # seconds between a recovery and the next fault


@dataclass
class Nemesis:
    """Faults for `duration` seconds, drawn by the seed; a recovery may take `timeout` seconds."""

    system: SystemUnderTest
    background_load: BackgroundLoad
    seed: int
    duration: float
    timeout: float
    log: Log
    faults: list[Fault] = field(default_factory=list)

    def run(self, *more_faults: Callable[[], Fault | None]) -> Sequence[Fault]:
        """Inject faults, each after the recovery from the last, and return them.

        They start after the first refresh. Refreshes are spared until one has ended, by itself or killed: a refresh
        that is hit each time would never merge. `more_faults` are called after each fault, as the schedules are.
        """
        rng, system, load = Random(self.seed), self.system, self.background_load
        failpoints = FailpointSchedule(system.armed_file, rng, system.has_small_lake_disk)
        refreshes_before = 0
        with load.run_in_background():
            wait_until(lambda: load.refresh.exit_codes[0], timeout=REFRESH_TIMEOUT, missing="the first refresh")
            deadline = time.monotonic() + self.duration
            outages = OutageSchedule(system, self.seed, self.duration)
            failpoints.arm()
            while time.monotonic() < deadline:
                time.sleep(rng.uniform(*FAULT_INTERVAL))  # the interval between faults
                spare_refresh, refreshes_before = load.refreshes_ended == refreshes_before, load.refreshes_ended
                sources: tuple[Callable[[], Fault | None], ...] = (
                    failpoints.poll,
                    partial(outages.poll, load.jobs),
                    *more_faults,
                    partial(inject, rng, system, load.jobs, spare_refresh=spare_refresh),
                )
                for next_fault in sources:
                    if fault := next_fault():
                        self._record(fault)
            system.armed_file.unlink(missing_ok=True)
        return self.faults

    def _record(self, fault: Fault) -> None:
        """Wait until the system has recovered from the fault, and print both."""
        self.faults.append(fault)
        number = f"{len(self.faults):>4}"
        try:
            recovery = wait_until_recovered(self.system, fault, self.timeout)
        except BaseException:
            self.log(f"{number} {fault.description}: no recovery")
            raise
        self.log(f"{number} {fault.description}: {recovery}")
