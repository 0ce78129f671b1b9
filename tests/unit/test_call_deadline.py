"""A call that blocks in C code ends at its deadline, and at Ctrl-C."""

import os
import signal
import time
from concurrent.futures import ThreadPoolExecutor
from threading import Event

import pytest

from lakehouse.source.postgres.deadlines import DeadlineExceeded, call_with_deadline
from support.timing import seconds

NO_DEADLINE_S, SHORT_S = 600.0, 0.1


def do_nothing() -> None:
    pass


@pytest.mark.usefixtures("ctrl_c")
@pytest.mark.parametrize("_", range(20))  # the signal arrives at another moment each time
def test_ctrl_c_right_after_the_start_of_a_call_ends_it(_: int) -> None:
    aborted, ended = Event(), Event()

    def block() -> None:
        os.kill(os.getpid(), signal.SIGINT)
        if aborted.wait(seconds(30)):
            ended.set()

    with pytest.raises(KeyboardInterrupt):
        call_with_deadline(block, seconds=NO_DEADLINE_S, abort=aborted.set)
    assert ended.wait(seconds(30))


def test_result_and_error_are_those_of_the_call() -> None:
    def call_one(call: object) -> object:
        return call_with_deadline(call, seconds=NO_DEADLINE_S, abort=do_nothing)  # type: ignore[arg-type]

    assert call_one(lambda: 1) == 1
    with pytest.raises(ZeroDivisionError):
        call_one(lambda: 1 // 0)


def wait_in_vain() -> float:
    """Make a call that nothing ends but its deadline, with a cancellation that hangs; return how long it took."""
    never, aborted, started_at = Event(), Event(), time.monotonic()
    try:
        with pytest.raises(DeadlineExceeded, match="did not answer within"):
            call_with_deadline(never.wait, seconds=SHORT_S, abort=aborted.set)
        assert aborted.is_set()
        return time.monotonic() - started_at
    finally:
        never.set()


def test_call_that_never_returns_ends_at_its_deadline() -> None:
    assert wait_in_vain() < seconds(10)


def test_call_of_another_thread_ends_at_its_deadline_too() -> None:
    with ThreadPoolExecutor(1) as pool:
        assert pool.submit(wait_in_vain).result(timeout=seconds(30)) < seconds(10)


def test_error_of_an_aborted_call_is_the_deadline() -> None:
    aborted = Event()

    def fail_once_aborted() -> None:
        aborted.wait(seconds(30))
        raise OSError

    with pytest.raises(DeadlineExceeded):
        call_with_deadline(fail_once_aborted, seconds=SHORT_S, abort=aborted.set)
