"""Run a worker that can crash between an external response and its record in Postgres.

Usage: -m chaos.crash_before_ack SCRIPT [ARGS].
"""

import runpy
import sys
from collections.abc import Callable
from functools import wraps
from typing import Any

from chaos.failpoints import AFTER_ENQUEUE, BEFORE_MARK_SENT, BEFORE_SAVE_RESULTS, crash_at
from lakehouse.distance import cache
from lakehouse.slack import outbox


def main() -> None:
    outbox.mark_sent = _with_failpoints(outbox.mark_sent, before=BEFORE_MARK_SENT)
    outbox.enqueue = _with_failpoints(outbox.enqueue, after=AFTER_ENQUEUE)
    cache.save_results = _with_failpoints(cache.save_results, before=BEFORE_SAVE_RESULTS)
    sys.argv = sys.argv[1:]
    runpy.run_path(sys.argv[0], run_name="__main__")


def _with_failpoints(call: Callable[..., Any], *, before: str = "", after: str = "") -> Callable[..., Any]:
    @wraps(call)
    def wrapper(*arguments: Any) -> Any:
        crash_at(before)
        result = call(*arguments)
        crash_at(after)
        return result

    return wrapper


if __name__ == "__main__":
    main()
