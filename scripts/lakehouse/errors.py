"""Errors that say what happened, where, and what to do."""

import os
import signal
import sys
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

from lakehouse import compose
from lakehouse.environment import CHECKOUT_FOLDER, leave_out_foreign
from lakehouse.private_file import writer_umask
from lakehouse.terminal import prepare_output

ERRORS_HOME = CHECKOUT_FOLDER / ".local"
HOME_VAR = "LAKEHOUSE_HOME"  # the folder of a stack that is none of the checkout's
RETAINED_TRACEBACKS = 50
INTERRUPTED = 128 + signal.SIGINT


class LakehouseError(Exception):
    """An error that a person can fix. Its text says what happened, where and what to do, without personal data."""

    exit_code = 1


class BadInput(LakehouseError):
    """A file, an option or a rule that cannot be used. Nothing was changed."""


class UsageError(BadInput):
    """A variable or an option outside its range. Its text has two lines: the range, and what to write."""

    exit_code = 2


class ProgramError(LakehouseError):
    """An error of this program itself. Its text names the file with the traceback."""


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

    While docker-compose runs, a program of scripts/ goes on inside of its pipeline.
    What it and its children write, others cannot read.

    Exits with the code of a LakehouseError and its description, with 130 after Ctrl-C. After an error of this program
    itself, it exits with 1 and names the file with the traceback.
    """
    os.umask(writer_umask(os.environ))
    prepare_output()
    leave_out_foreign(os.environ)
    try:
        inside = compose.run_inside(CHECKOUT_FOLDER, Path(sys.argv[0]), sys.argv[1:], os.environ)
        exit_code = (main() or 0) if inside is None else inside
    except LakehouseError as error:
        print(describe(error), file=sys.stderr)
        exit_code = error.exit_code
    except KeyboardInterrupt:
        signal.signal(signal.SIGINT, signal.SIG_DFL)  # a second Ctrl-C ends the clean-up, without a traceback
        exit_code = INTERRUPTED
    except Exception as error:  # noqa: BLE001 - whatever it is, it is a bug
        problem = ProgramError(f"{type(error).__name__}, a bug of this program. {keep_traceback(error)}")
        print(describe(problem), file=sys.stderr)
        exit_code = problem.exit_code
    sys.exit(exit_code)


def keep_traceback(error: Exception) -> str:
    """Write the traceback into a private file, and return where it is; print it where no file can be written.

    It is not for the terminal: an exception's text may quote a row.
    """
    text = "".join(traceback.format_exception(error))
    folder = Path(os.environ.get(HOME_VAR) or ERRORS_HOME) / "errors"
    file = folder / f"{time.strftime('%Y%m%dT%H%M%S')}-{os.getpid()}.txt"
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        for oldest in sorted(folder.glob("*.txt"))[: 1 - RETAINED_TRACEBACKS]:
            oldest.unlink(missing_ok=True)
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8", errors="backslashreplace") as written:
            written.write(text)
    except OSError:
        print(text, file=sys.stderr)
        return "Its traceback is above: report it."
    return f"Its traceback is in {file}: report it."
