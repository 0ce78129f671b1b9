"""How long the tests wait: one factor for slow machines, TEST_TIME_FACTOR (1 by default)."""

import os

FACTOR = float(os.environ.get("TEST_TIME_FACTOR", "1"))


def seconds(duration: float) -> float:
    """Return how long to wait on this machine for what takes at most `duration` seconds on two free cores."""
    return duration * FACTOR
