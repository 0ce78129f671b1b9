"""Calls that block in libpq: a deadline on our side, and Ctrl-C.

A frozen backend acknowledges what it is sent, since its kernel does. So neither TCP's keepalives nor any time-out of
the server notices it, and libpq waits for ever.
"""

from collections.abc import Callable
from concurrent.futures import Future, wait
from contextlib import suppress
from threading import Thread
from typing import TypeVar

from psycopg2 import OperationalError

T = TypeVar("T")

DEFAULT_DEADLINE_S = 10.0
# For a statement whose work grows with the data: a load, a checksum of a whole table, an index.
LONG_DEADLINE_S = 3600.0
CANCEL_TIMEOUT_S = 5.0
ABORT_TIMEOUT_S = 1.0


class DeadlineExceeded(OperationalError):
    """A call that Postgres did not answer in time. Its connection was closed, and its outcome is unknown."""


def call_with_deadline(
    call: Callable[[], T], *, seconds: float, cancel: Callable[[], object], abort: Callable[[], object]
) -> T:
    """Return the result of a call that blocks in libpq.

    After `seconds`, call `cancel` in the background and `abort`, and raise DeadlineExceeded. `cancel` asks Postgres to
    end the statement, and may block. `abort` ends the call without Postgres, by closing its socket.
    On Ctrl-C call `cancel`, and `abort` where that ended nothing, and raise KeyboardInterrupt: libpq itself goes on
    waiting after a signal, so that another thread has to call it.
    """
    future: Future[T] = Future()
    try:
        Thread(target=_settle, args=(future, call), daemon=True).start()
        if _is_done(future, seconds):
            return future.result()
    except KeyboardInterrupt:
        # A frozen Postgres does not answer the request to cancel either.
        Thread(target=_try, args=(cancel,), daemon=True).start()
        if not _is_done(future, CANCEL_TIMEOUT_S):
            abort()
        raise
    Thread(target=_try, args=(cancel,), daemon=True).start()
    abort()
    if _is_done(future, ABORT_TIMEOUT_S) and future.exception() is None:
        return future.result()  # it was answered at the last moment
    raise DeadlineExceeded(f"Postgres did not answer within {seconds:.0f} s; the connection was closed")


def _is_done(future: "Future[T]", timeout: float) -> bool:
    return bool(wait([future], timeout).done)


def _settle(future: "Future[T]", call: Callable[[], T]) -> None:
    try:
        future.set_result(call())
    except BaseException as error:  # noqa: BLE001 - raised again by the thread that waits
        future.set_exception(error)


def _try(call: Callable[[], object]) -> None:
    with suppress(Exception):
        call()
