"""A service retries its work through outages, and stops on SIGTERM."""

import os
import signal
import time

import pytest

from lakehouse.errors import NotReady
from lakehouse.retries import StopSignal, retry_until_stopped


def test_work_is_retried_after_an_outage_with_growing_delays() -> None:
    outages = [NotReady("away"), NotReady("away\nand more"), None]
    logged: list[tuple[str, float]] = []

    def work() -> None:
        if (outage := outages.pop(0)) is not None:
            raise outage

    def log(_event: str, *, reason: str, seconds: float) -> None:
        logged.append((reason, seconds))

    retry_until_stopped(work, on=(NotReady,), log=log, stop=StopSignal(), backoff=lambda tries: tries / 1000)
    assert logged == [("away", 0.001), ("away", 0.002)]
    assert outages == []


def test_other_errors_are_not_retried() -> None:
    def work() -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        retry_until_stopped(work, on=(NotReady,), log=print, stop=StopSignal())


def test_sigterm_interrupts_a_retry_delay() -> None:
    before = signal.getsignal(signal.SIGTERM)
    try:
        stop = StopSignal().on_sigterm()
        os.kill(os.getpid(), signal.SIGTERM)
        started_at = time.monotonic()
        assert stop.wait(10)
        assert time.monotonic() - started_at < 5
        assert stop.is_set()
    finally:
        signal.signal(signal.SIGTERM, before)
