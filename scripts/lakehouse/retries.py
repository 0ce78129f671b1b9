"""Waiting for a condition, and retrying through outages with exponential backoff."""

import os
import select
import signal
import time
from collections.abc import Callable
from typing import TypeVar

from lakehouse.errors import NotReady

T = TypeVar("T")

RESET_BACKOFF_AFTER_S = 60.0


def wait_until(
    condition: Callable[[], T], *, timeout: float, missing: str | Callable[[], str], interval: float = 0.1
) -> T:
    """Return the first true result of the condition, which is called every `interval` seconds.

    Raises NotReady after `timeout` seconds; `missing` is the part of its message that says what was still awaited.
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
    """Return a function from the number of failed attempts (from 1) to the next pause in seconds.

    The pause starts at `initial` and doubles with each attempt, up to `maximum`.
    """
    return lambda attempts: min(maximum, initial * 2.0 ** min(attempts - 1, 30))


class StopSignal:
    """A stop request for the loop of a service, set by `set` or, after `on_sigterm`, by SIGTERM."""

    def __init__(self) -> None:
        self._read_fd, self._write_fd = os.pipe()
        self._is_set = False

    def on_sigterm(self) -> "StopSignal":
        """Install a SIGTERM handler that sets the stop request, and return self."""
        signal.signal(signal.SIGTERM, lambda *_: self.set())
        return self

    # A pipe and not threading.Event, whose set() can deadlock when a signal handler calls it.
    def set(self) -> None:
        self._is_set = True
        os.write(self._write_fd, b".")

    def is_set(self) -> bool:
        return self._is_set

    def wait(self, seconds: float) -> bool:
        """Sleep for so many seconds, or until a stop is requested; return whether it was."""
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
    """Run `work`, and run it again after a growing pause whenever it raises one of the errors in `on`.

    Return when `work` returns or `stop` is set. `log` is a logger's method, called with the event `retrying`,
    `reason` and `seconds`. An attempt longer than RESET_BACKOFF_AFTER_S resets the backoff.
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
    """Return the first line of the error's message, or its class name where the message is empty."""
    lines = str(error).strip().splitlines()
    return lines[0] if lines else type(error).__name__
