"""Wait for a condition, never for a while."""

import os
import select
import signal
import time
from collections.abc import Callable
from typing import TypeVar

from lakehouse.errors import NotReady

T = TypeVar("T")

RESET_BACKOFF_AFTER_S = 60.0  # seconds


def wait_until(
    condition: Callable[[], T], *, timeout: float, missing: str | Callable[[], str], interval: float = 0.1
) -> T:
    """Give the condition's first true answer, asking every few moments.

    `missing` says what was still awaited; it is the text of the NotReady raised after `timeout` seconds.
    """
    deadline = time.monotonic() + timeout
    while True:
        result = condition()
        if result:
            return result
        if time.monotonic() >= deadline:
            awaited = missing if isinstance(missing, str) else missing()
            raise NotReady(f"waited {timeout:.0f} s for {awaited}")
        time.sleep(interval)


def exponential_backoff(initial: float = 1.0, maximum: float = 60.0) -> Callable[[int], float]:
    """Give the pause, in seconds, before the n-th try in a row (n from 1): doubling, up to the longest."""
    return lambda tries: min(maximum, initial * 2.0 ** min(tries - 1, 30))


class StopSignal:
    """Whether to end, for a service's loop; SIGTERM asks for it once `on_sigterm` was called."""

    def __init__(self) -> None:
        self._read_fd, self._write_fd = os.pipe()
        self._is_set = False

    def on_sigterm(self) -> "StopSignal":
        signal.signal(signal.SIGTERM, lambda *_: self.set())
        return self

    # A pipe and not threading.Event, whose set() can deadlock when a signal handler calls it.
    def set(self) -> None:
        self._is_set = True
        os.write(self._write_fd, b".")

    def is_set(self) -> bool:
        return self._is_set

    def wait(self, seconds: float) -> bool:
        """Pause, cut short when asked to end; give whether it was."""
        select.select([self._read_fd], [], [], seconds)
        return self._is_set


def retry_until_stopped(
    work: Callable[[], object],
    *,
    on: tuple[type[Exception], ...],
    log: Callable[..., object],
    stop: StopSignal,
    backoff: Callable[[int], float] | None = None,
) -> None:
    """Do the work through outages: when it raises one of `away`, say so, pause a little longer each time, begin again.

    `say` is a logger's method: it gets the event, the error's first line as `reason` and the pause in `seconds`.

    Ends when the work does, or when `stop` is set. Work that lasted a minute counts as having succeeded.
    """
    backoff = backoff or exponential_backoff(maximum=5.0)
    attempts = 0
    while not stop.is_set():
        started = time.monotonic()
        try:
            work()
        except on as error:
            attempts = 1 if time.monotonic() - started > RESET_BACKOFF_AFTER_S else attempts + 1
            log("retrying", reason=first_line(error), seconds=backoff(attempts))
            stop.wait(backoff(attempts))
        else:
            return


def first_line(error: Exception) -> str:
    """Give what an error says first; its class where it says nothing."""
    lines = str(error).strip().splitlines()
    return lines[0] if lines else type(error).__name__
