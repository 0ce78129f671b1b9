"""Run a worker that can be told to die between an outside answer and its note: -m chaos.dies_noting SCRIPT [ARGS]."""

import runpy
import sys
from collections.abc import Callable
from functools import wraps
from typing import Any

from chaos.steps import ANSWERED, MEASURED, OWED, die_at
from lakehouse.distance import cache
from lakehouse.slack import outbox


def main() -> None:
    outbox.sent = _mortal(outbox.sent, before=ANSWERED)
    outbox.owe = _mortal(outbox.owe, after=OWED)
    cache.note = _mortal(cache.note, before=MEASURED)
    sys.argv = sys.argv[1:]
    runpy.run_path(sys.argv[0], run_name="__main__")


def _mortal(note: Callable[..., Any], *, before: str = "", after: str = "") -> Callable[..., Any]:
    @wraps(note)
    def mortal(*arguments: Any) -> Any:
        die_at(before)
        noted = note(*arguments)
        die_at(after)
        return noted

    return mortal


if __name__ == "__main__":
    main()
