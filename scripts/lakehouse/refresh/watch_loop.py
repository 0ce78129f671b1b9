"""The loop of a watcher: when it refreshes, and how long it waits. It reads no clock and sleeps by no means of its own.

Positions say what was merged: a position is read before each refresh, and compared with the one that it returned.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from lakehouse.errors import BadInput, LockHeld, LockLost, NotReady
from lakehouse.retries import exponential_backoff

# A service that is away comes back by itself. Whatever else fails waits for a person, and starts a JVM each time.
OUTAGE_ERRORS = (NotReady, LockHeld, LockLost)
MAX_OUTAGE_PAUSE_S, MAX_FAILURE_PAUSE_S = 60.0, 300.0
P = TypeVar("P")


@dataclass(frozen=True)
class Pace:
    """The least seconds between the starts of two refreshes, and the seconds between two looks at the position."""

    interval: float
    look_interval: float


def refresh_when_moved(
    read_position: Callable[[], P],
    refresh: Callable[[], P],
    pace: Pace,
    *,
    wait: Callable[[float], bool],
    clock: Callable[[], float],
    on_failure: Callable[[Exception, float], object],
    heartbeat: Callable[[], object],
) -> None:
    """Refresh at the start, and whenever the position is not the one of the last refresh, until `wait` returns true.

    `refresh` returns the position up to which it merged: what came while it ran is after that, and starts the next one.
    `wait` sleeps for at most the seconds given, and `clock` returns seconds. `heartbeat` is called after each round
    without an error. An error is passed on with the seconds until the next attempt, and BadInput is raised: it stays.
    """
    merged: P | None = None
    failures, pause = 0, 0.0
    while not wait(pause):
        began = clock()
        try:
            if merged is None or read_position() != merged:
                merged = refresh()
                pause = max(pace.look_interval, began + pace.interval - clock())
            else:
                pause = pace.look_interval
        except BadInput:
            raise
        except Exception as error:  # noqa: BLE001 - whatever it is, the next attempt may succeed
            failures += 1
            pause = pause_after(error, failures, pace.interval)
            on_failure(error, pause)
        else:
            failures = 0
            heartbeat()


def pause_after(error: Exception, failures: int, interval: float) -> float:
    """Return the seconds until the next attempt: the interval, then twice as long after each further failure."""
    longest = MAX_OUTAGE_PAUSE_S if isinstance(error, OUTAGE_ERRORS) else MAX_FAILURE_PAUSE_S
    return exponential_backoff(initial=interval, maximum=max(interval, longest))(failures)
