"""A service retries its work through outages, and stops on SIGTERM."""

import os
import signal
import time
from collections.abc import Callable
from threading import Timer

import pytest
import stamina
from structlog.testing import capture_logs

from lakehouse.errors import NotReady
from lakehouse.retries import Backoff, StopSignal, log_new_reasons, retry_until_stopped
from support.timing import seconds


def retry(work: Callable[[], object], backoff: Backoff, stop: StopSignal) -> list[tuple[str, float]]:
    """Retry `work`, and return the reasons and pauses that were logged, the pauses in multiples of the first."""
    logged: list[tuple[str, float]] = []

    def log(_event: str, *, reason: str, seconds: float) -> None:
        logged.append((reason, seconds / backoff.initial))

    retry_until_stopped(work, on=(NotReady,), log=log, stop=stop, backoff=backoff)
    return logged


def test_work_is_retried_after_an_outage_with_growing_delays_up_to_the_maximum() -> None:
    outages = [*[NotReady("away\nand more")] * 4, None]

    def work() -> None:
        if (outage := outages.pop(0)) is not None:
            raise outage

    logged = retry(work, Backoff(initial=0.001, maximum=0.003), StopSignal())
    assert logged == [("away", 1), ("away", 2), ("away", 3), ("away", 3)]
    assert outages == []


def test_delays_start_again_after_an_attempt_that_lasted() -> None:
    durations = iter([0, 0, seconds(0.1), 0])

    def work() -> None:
        if (duration := next(durations, None)) is not None:
            time.sleep(duration)
            raise NotReady("away")

    logged = retry(work, Backoff(initial=0.001, reset_after=seconds(0.05)), StopSignal())
    assert [pause for _, pause in logged] == [1, 2, 1, 1]


def test_stop_request_during_a_delay_ends_the_retries() -> None:
    stop = StopSignal()

    def work() -> None:
        Timer(0.05, stop.set).start()
        raise NotReady("away")

    started_at = time.monotonic()
    assert retry(work, Backoff(initial=seconds(60), maximum=seconds(60)), stop) == [("away", 1)]
    assert time.monotonic() - started_at < seconds(30)


def test_retries_of_stamina_are_logged_in_one_line_without_arguments() -> None:
    outages = iter([OSError("away\nand more"), None])

    @stamina.retry(on=OSError, wait_initial=0.01, wait_max=0.01)
    def work(_password: str) -> None:
        if (outage := next(outages)) is not None:
            raise outage

    with capture_logs() as logs:
        work("hunter2")
    assert [(line["event"], line["reason"]) for line in logs] == [("retrying", "away")]
    assert "hunter2" not in str(logs)


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
        assert stop.wait(seconds(10))
        assert time.monotonic() - started_at < seconds(5)
        assert stop.is_set()
    finally:
        signal.signal(signal.SIGTERM, before)


def test_reason_is_logged_again_only_after_another_one() -> None:
    lines: list[str] = []
    log = log_new_reasons(lambda event, *, reason, seconds: lines.append(f"{event} {reason} {seconds}"))
    for pause, reason in enumerate("aabba"):
        log("retrying", reason=reason, seconds=pause)
    assert lines == ["retrying a 0", "retrying b 2", "retrying a 4"]
