"""Ctrl-C during a statement."""

from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from threading import Thread, current_thread, main_thread
from typing import TypeVar

T = TypeVar("T")

CANCEL_TIMEOUT_S = 5.0


def call_interruptibly(call: Callable[[], T], cancel: Callable[[], object]) -> T:
    """Return the result of a call that blocks in libpq; on Ctrl-C call `cancel` and raise KeyboardInterrupt.

    libpq goes on waiting after a signal. The main thread therefore waits in Python for another thread. Without that,
    Ctrl-C, SIGTERM and a test's time-out would do nothing while a statement waits for a lock.
    """
    if current_thread() is not main_thread():
        return call()
    future: Future[T] = Future()
    try:
        Thread(target=_settle, args=(future, call), daemon=True).start()
        return future.result()
    except KeyboardInterrupt:
        # A frozen Postgres does not answer the request to cancel either.
        Thread(target=cancel, daemon=True).start()
        with suppress(Exception):
            future.result(CANCEL_TIMEOUT_S)
        raise


def _settle(future: "Future[T]", call: Callable[[], T]) -> None:
    try:
        future.set_result(call())
    except BaseException as error:  # noqa: BLE001 - raised again by the main thread
        future.set_exception(error)
