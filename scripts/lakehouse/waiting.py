"""Wait for a condition, never for a while."""

import time
from collections.abc import Callable
from typing import TypeVar

from lakehouse.errors import NotReady

T = TypeVar("T")


def wait_until(  # noqa: UP047 - Python 3.10 has no type parameters
    condition: Callable[[], T], *, timeout: float, missing: str | Callable[[], str], every: float = 0.1
) -> T:
    """Give the condition's first true answer, asking every few moments.

    `missing` says what was still awaited; it is the text of the NotReady raised after `timeout` seconds.
    """
    deadline = time.monotonic() + timeout
    while True:
        answer = condition()
        if answer:
            return answer
        if time.monotonic() >= deadline:
            still = missing if isinstance(missing, str) else missing()
            raise NotReady(f"waited {timeout:.0f} s for {still}")
        time.sleep(every)


def pauses(first: float = 1.0, longest: float = 60.0) -> Callable[[int], float]:
    """Give the pause, in seconds, before the n-th try in a row (n from 1): doubling, up to the longest."""
    return lambda tries: min(longest, first * 2.0 ** min(tries - 1, 30))
