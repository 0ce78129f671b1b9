"""Errors that say what happened, where, and what to do."""

import sys
from collections.abc import Callable
from typing import NoReturn


class LakehouseError(Exception):
    """Whatever a person can mend. Its text is the whole message: what, where, what to do; never anybody's data."""


class BadInput(LakehouseError):
    """A file, an option or a rule that cannot be used as it is. Nothing was changed."""


class NotReady(LakehouseError):
    """A service or a table that is not there (yet)."""


class SourceMismatch(LakehouseError):
    """A lake in front of another Postgres, or of a topic made anew: never merged silently (law 9)."""


class SchemaMismatch(LakehouseError):
    """A captured table no longer fits its contract. Only that table's Silver stops."""


class LockHeld(LakehouseError):
    """Another process holds the lock that this one needs."""


class LockLost(LakehouseError):
    """This process no longer holds the lock that it began with. Nothing was written since."""


def run(main: Callable[[], int | None]) -> NoReturn:
    """Call an entry point and leave: its own exit code, 1 with the message of a LakehouseError, 130 after Ctrl-C."""
    try:
        sys.exit(main() or 0)
    except LakehouseError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(130)
