"""Deaths at named steps: one is armed at a time, and takes place when a job comes by, whatever else goes on."""

import time
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

from chaos.blows import Blow
from chaos.steps import DISK_FULL, RUN_AS, STEPS

PATIENCE = 90.0  # seconds until another step is armed; a job that was killed comes by none


@dataclass
class Deaths:
    """The steps that none died at yet, in a random order."""

    armed: Path
    rng: Random
    small_disk: bool  # only such a one is filled
    _left: list[tuple[str, str]] = field(init=False)
    _since: float = 0.0

    def __post_init__(self) -> None:
        self._left = [
            (script, step)
            for script, steps in STEPS.items()
            for step in steps
            if self.small_disk or not step.endswith(DISK_FULL)
        ]
        self.rng.shuffle(self._left)

    def arm(self) -> None:
        """Arm the first step that is left."""
        if self._left:
            self._since = time.monotonic()
            loaded = self.armed.with_suffix(".loaded")
            loaded.write_text(self._left[0][1], encoding="utf-8")
            loaded.replace(self.armed)

    def look(self) -> Blow | None:
        """Give the death that took place since the last look, and see that a step is armed."""
        if not self._left:
            return None
        if not self.armed.exists():
            script, step = self._left.pop(0)
            self.arm()
            died = not step.endswith(DISK_FULL)
            return Blow(f"{RUN_AS[script]} {'died ' * died}at: {step}", [RUN_AS[script]], kills=int(died))
        if time.monotonic() - self._since > PATIENCE:
            self.rng.shuffle(self._left)
            self.arm()
        return None
