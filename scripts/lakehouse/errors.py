"""Errors that say what happened, where, and what to do."""

import os
import sys
from collections.abc import Callable
from typing import NoReturn

from lakehouse.environment import leave_out_foreign


class LakehouseError(Exception):
    """An error that a person can fix. Its text says what happened, where and what to do, without personal data."""


class BadInput(LakehouseError):
    """A file, an option or a rule that cannot be used. Nothing was changed."""


class NotReady(LakehouseError):
    """A service that does not answer, or a table or topic that does not exist yet."""


class SourceMismatch(LakehouseError):
    """A lake that was read from another Postgres or topic than the present one: never merged silently (law 9)."""


class SchemaMismatch(LakehouseError):
    """A captured table that no longer fits its contract. Only the Silver of that table stops."""


class CaptureMismatch(LakehouseError):
    """A setting of a captured table or of its connector that loses changes. Only the figures that read it stop."""


class OffsetMismatch(LakehouseError):
    """A table that lacks offsets of its topic, or has some more than once (law 1). Only what reads it stops."""


class ForeignCommitFound(LakehouseError):
    """A version of a table that no writer of ours has noted beforehand. The figures that rest on it stop."""


class SilverDiffers(LakehouseError):
    """A Silver that is not what Postgres holds. No figure is computed from it."""


class LockHeld(LakehouseError):
    """A lock that this process needs and another process holds."""


class LockLost(LakehouseError):
    """A lock that this process has lost since it acquired it. Nothing was written after the loss."""


def describe_error(error: LakehouseError) -> str:
    return f"error: {error}"


def run(main: Callable[[], int | None], describe: Callable[[LakehouseError], str] = describe_error) -> NoReturn:
    """Call an entry point, without the variables of other installations, and exit with its exit code.

    Exits with 1 and the description of a LakehouseError, with 130 after Ctrl-C.
    """
    leave_out_foreign(os.environ)
    try:
        sys.exit(main() or 0)
    except LakehouseError as error:
        print(describe(error), file=sys.stderr)
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(130)
