"""Waiting for a condition, and retrying through outages with exponential backoff.

stamina retries a call in place. A next attempt that Postgres stores, or that a control loop awaits beside other work,
is scheduled by `exponential_backoff`.
"""

import os
import select
import signal
import time
from collections.abc import Callable
from typing import NamedTuple, TypeVar

import stamina
from stamina.instrumentation import RetryDetails

from lakehouse.errors import NotReady
from lakehouse.logs import logger

T = TypeVar("T")


class Backoff(NamedTuple):
    """Pauses in seconds that double from `initial` to `maximum`. An attempt longer than `reset_after` resets them."""

    initial: float = 1.0
    maximum: float = 5.0
    reset_after: float = 60.0


OUTAGE_BACKOFF = Backoff()
# What restarts more often than that in a minute is not ready, though it runs between two restarts.
MAX_RESTARTS, RESTART_WINDOW_S = 3, 60.0


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
    backoff: Backoff = OUTAGE_BACKOFF,
) -> None:
    """Run `work`, and run it again after a growing pause whenever it raises one of the errors in `on`.

    Return when `work` returns or `stop` is set. `log` is a logger's method, called with the event `retrying`,
    `reason` and `seconds`.
    """
    while not stop.is_set():
        for attempt in stamina.retry_context(
            # 0: no pause of stamina's own, which a stop request could not interrupt.
            on=lambda error: 0.0 if isinstance(error, on) else False,
            attempts=None,
            timeout=None,
            wait_initial=backoff.initial,
            wait_max=backoff.maximum,
            wait_jitter=0.0,
        ):
            started_at = time.monotonic()
            with attempt:
                try:
                    work()
                except on as error:
                    is_new_outage = time.monotonic() - started_at > backoff.reset_after
                    pause = backoff.initial if is_new_outage else attempt.next_wait
                    log("retrying", reason=first_line(error), seconds=pause)
                    if stop.wait(pause) or is_new_outage:
                        break
                    raise
                return


def log_new_reasons(log: Callable[..., object]) -> Callable[..., None]:
    """Return a method to log `retrying` with that logs each reason once, until another one comes."""
    last = None

    def log_new(event: str, *, reason: str, **fields: object) -> None:
        nonlocal last
        if reason != last:
            log(event, reason=reason, **fields)
        last = reason

    return log_new


def first_line(error: Exception) -> str:
    """Return the first line of the error's message, or its class name where the message is empty."""
    lines = str(error).strip().splitlines()
    return lines[0] if lines else type(error).__name__


def _log_retry(details: RetryDetails) -> None:
    """Log a pause of stamina's own; `retry_until_stopped` logs those that it makes itself."""
    if details.wait_for:
        logger("retries").warning(
            "retrying",
            reason=first_line(details.caused_by),
            waited_s=round(details.waited_so_far),
            next_try_s=round(details.wait_for, 1),
        )


# The default log line of stamina quotes arguments and whole exceptions.
stamina.instrumentation.set_on_retry_hooks([_log_retry])
