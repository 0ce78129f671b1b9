"""Wait for a condition, never for a while."""

import os
import select
import signal
import time
from collections.abc import Callable
from typing import TypeVar

from lakehouse.errors import NotReady

T = TypeVar("T")

SUCCEEDED = 60.0  # seconds


def wait_until(
    condition: Callable[[], T], *, timeout: float, missing: str | Callable[[], str], every: float = 0.1
) -> T:
    """Give the condition's first true answer, asking every few moments.

    `missing` says what was still awaited; it is the text of the NotReady raised after `timeout` seconds.
    """
    deadline = time.monotonic() + timeout
    while True:
        answer = condition()
        if answer:
            return answer
        if time.monotonic() >= deadline:
            still = missing if isinstance(missing, str) else missing()
            raise NotReady(f"waited {timeout:.0f} s for {still}")
        time.sleep(every)


def pauses(first: float = 1.0, longest: float = 60.0) -> Callable[[int], float]:
    """Give the pause, in seconds, before the n-th try in a row (n from 1): doubling, up to the longest."""
    return lambda tries: min(longest, first * 2.0 ** min(tries - 1, 30))


class Stop:
    """Whether to end, for a service's loop; SIGTERM asks for it once `on_sigterm` was called."""

    def __init__(self) -> None:
        self._wakes, self._asks = os.pipe()
        self._asked = False

    def on_sigterm(self) -> "Stop":
        signal.signal(signal.SIGTERM, lambda *_: self.set())
        return self

    # A pipe and not threading.Event, whose set() can deadlock when a signal handler calls it.
    def set(self) -> None:
        self._asked = True
        os.write(self._asks, b".")

    def is_set(self) -> bool:
        return self._asked

    def wait(self, seconds: float) -> bool:
        """Pause, cut short when asked to end; give whether it was."""
        select.select([self._wakes], [], [], seconds)
        return self._asked


def carry_on(
    work: Callable[[], object],
    *,
    away: tuple[type[Exception], ...],
    say: Callable[..., object],
    stop: Stop,
    pause: Callable[[int], float] | None = None,
) -> None:
    """Do the work through outages: when it raises one of `away`, say so, pause a little longer each time, begin again.

    `say` is a logger's method: it gets the event, the error's first line as `reason` and the pause in `seconds`.

    Ends when the work does, or when `stop` is set. Work that lasted a minute counts as having succeeded.
    """
    pause = pause or pauses(longest=5.0)
    tries = 0
    while not stop.is_set():
        began = time.monotonic()
        try:
            work()
        except away as error:
            tries = 1 if time.monotonic() - began > SUCCEEDED else tries + 1
            say("waiting", reason=first_line(error), seconds=pause(tries))
            stop.wait(pause(tries))
        else:
            return


def first_line(error: Exception) -> str:
    """Give what an error says first; its class where it says nothing."""
    said = str(error).strip().splitlines()
    return said[0] if said else type(error).__name__
