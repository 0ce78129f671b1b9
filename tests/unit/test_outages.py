"""A service's work goes on through outages, and ends when asked."""

import os
import signal
import time

import pytest

from lakehouse.errors import NotReady
from lakehouse.waiting import Stop, carry_on


def test_work_begins_again_after_an_outage_with_growing_pauses() -> None:
    outages = [NotReady("away"), NotReady("away\nand more"), None]
    said: list[tuple[str, float]] = []

    def work() -> None:
        if (outage := outages.pop(0)) is not None:
            raise outage

    def say(_event: str, *, reason: str, seconds: float) -> None:
        said.append((reason, seconds))

    carry_on(work, away=(NotReady,), say=say, stop=Stop(), pause=lambda tries: tries / 1000)
    assert said == [("away", 0.001), ("away", 0.002)]
    assert outages == []


def test_another_error_is_not_an_outage() -> None:
    def work() -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        carry_on(work, away=(NotReady,), say=print, stop=Stop())


def test_sigterm_cuts_a_pause_short() -> None:
    before = signal.getsignal(signal.SIGTERM)
    try:
        stop = Stop().on_sigterm()
        os.kill(os.getpid(), signal.SIGTERM)
        began = time.monotonic()
        assert stop.wait(10)
        assert time.monotonic() - began < 5
        assert stop.is_set()
    finally:
        signal.signal(signal.SIGTERM, before)
