"""Ctrl-C while a call blocks in C code."""

import os
import signal
from threading import Event, Thread, current_thread

import pytest

from lakehouse.source.postgres.interrupts import call_interruptibly
from support.timing import seconds


@pytest.mark.usefixtures("ctrl_c")
@pytest.mark.parametrize("_", range(20))  # the signal arrives at another moment each time
def test_ctrl_c_right_after_the_start_of_a_call_cancels_it(_: int) -> None:
    cancelled, ended = Event(), Event()

    def block() -> None:
        os.kill(os.getpid(), signal.SIGINT)
        if cancelled.wait(seconds(30)):
            ended.set()

    with pytest.raises(KeyboardInterrupt):
        call_interruptibly(block, cancelled.set)
    assert ended.is_set()


def test_result_and_error_are_those_of_the_call() -> None:
    assert call_interruptibly(lambda: 1, lambda: None) == 1
    with pytest.raises(ZeroDivisionError):
        call_interruptibly(lambda: 1 // 0, lambda: None)


def test_call_in_another_thread_is_run_there() -> None:
    threads = []
    outer = Thread(target=lambda: call_interruptibly(lambda: threads.append(current_thread()), lambda: None))
    outer.start()
    outer.join()
    assert threads == [outer]
