"""A schedule of failpoints: one is armed at a time, and fires when a job reaches it."""

import time
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

from chaos.failpoints import DISK_FULL, FAILPOINTS, SERVICE_OF_SCRIPT
from chaos.faults import Fault
from support.timing import seconds

REARM_TIMEOUT = seconds(90)  # until another failpoint is armed; a killed job reaches none


@dataclass
class FailpointSchedule:
    """The failpoints that have not fired yet, in random order."""

    armed_file: Path
    rng: Random
    small_disk: bool  # whether disk-full failpoints are scheduled
    _remaining: list[tuple[str, str]] = field(init=False)
    _armed_at: float = 0.0

    def __post_init__(self) -> None:
        self._remaining = [
            (script, failpoint)
            for script, failpoints in FAILPOINTS.items()
            for failpoint in failpoints
            if self.small_disk or not failpoint.endswith(DISK_FULL)
        ]
        self.rng.shuffle(self._remaining)

    def arm(self) -> None:
        """Arm the first remaining failpoint."""
        if self._remaining:
            self._armed_at = time.monotonic()
            staged_file = self.armed_file.with_suffix(".loaded")
            staged_file.write_text(self._remaining[0][1], encoding="utf-8")
            staged_file.replace(self.armed_file)

    def poll(self) -> Fault | None:
        """Return the fault that fired since the last call, if any, and arm the next failpoint."""
        if not self._remaining:
            return None
        if not self.armed_file.exists():
            script, failpoint = self._remaining.pop(0)
            self.arm()
            crashed = not failpoint.endswith(DISK_FULL)
            return Fault(
                f"{SERVICE_OF_SCRIPT[script]} {'died ' * crashed}at: {failpoint}",
                [SERVICE_OF_SCRIPT[script]],
                kills=int(crashed),
            )
        if time.monotonic() - self._armed_at > REARM_TIMEOUT:
            self.rng.shuffle(self._remaining)
            self.arm()
        return None
