"""Calls that block in libpq: a deadline on our side, and Ctrl-C.

A frozen backend acknowledges what it is sent, since its kernel does. So neither TCP's keepalives nor any time-out of
the server notices it, and libpq waits for ever.

No request to cancel is sent. psycopg2 keeps Python's interpreter lock until Postgres has answered it: behind a dead
network, each thread of the process would stand still. Postgres ends the statement of a closed socket by itself
(opening.SESSION_OPTIONS).
"""

from collections.abc import Callable
from concurrent.futures import Future, wait
from threading import Thread
from typing import TypeVar

from psycopg2 import OperationalError

T = TypeVar("T")

DEFAULT_DEADLINE_S = 10.0
# For a statement whose work grows with the data: a load, a checksum of a whole table, an index.
LONG_DEADLINE_S = 3600.0
ABORT_TIMEOUT_S = 1.0


class DeadlineExceeded(OperationalError):
    """A call that Postgres did not answer in time. Its connection was closed, and its outcome is unknown."""


def call_with_deadline(call: Callable[[], T], *, seconds: float, abort: Callable[[], object]) -> T:
    """Return the result of a call that blocks in libpq.

    After `seconds`, call `abort`, which closes the call's socket, and raise DeadlineExceeded. On Ctrl-C call `abort`
    too, and raise KeyboardInterrupt: libpq itself goes on waiting after a signal, so that another thread calls it.
    """
    future: Future[T] = Future()
    try:
        Thread(target=_settle, args=(future, call), daemon=True).start()
        if _is_done(future, seconds):
            return future.result()
    except KeyboardInterrupt:
        abort()
        _is_done(future, ABORT_TIMEOUT_S)
        raise
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
