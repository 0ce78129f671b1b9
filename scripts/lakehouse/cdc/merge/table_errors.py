"""Errors that concern one table, as opposed to those of the whole system: such an error stops that table alone."""

import traceback
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from py4j.protocol import Py4JJavaError
from pyspark.errors import PySparkException

from lakehouse.cdc.contract import Contract
from lakehouse.cdc.lake import Lake
from lakehouse.errors import LakehouseError, LockHeld, LockLost, NotReady, SourceMismatch

# They concern every table.
WHOLE_SYSTEM_ERRORS = (LockHeld, LockLost, NotReady, SourceMismatch)
SOURCE_FOLDER = Path(__file__).parents[2]
T = TypeVar("T")


def result_or_table_error(lake: Lake, contract: Contract, work: Callable[[], T]) -> T | LakehouseError:
    """Return the result of `work` on a table, or the error that concerns this table alone, whatever it is.

    Raises WHOLE_SYSTEM_ERRORS.
    """
    try:
        return work()
    except WHOLE_SYSTEM_ERRORS:
        raise
    except LakehouseError as error:
        return error
    except Exception as error:  # noqa: BLE001 - whatever it is, the other tables go on
        # Where the lock was lost, any error may be the first sign of it.
        lake.pre_commit_check()
        return LakehouseError(
            f"{contract.table} could not be merged: {describe_unexpected(error)}. Run this again. "
            f"If it stops again: {contract.hints.rebuild_silver}"
        )


def describe_unexpected(error: Exception) -> str:
    """Return an error's kind and the place in our code that it came from; its text may quote values of people."""
    kind = type(error).__name__
    if isinstance(error, PySparkException):
        kind = error.getCondition() or kind
    elif isinstance(error, Py4JJavaError):
        kind = error.java_exception.getClass().getName()
    frames = [
        frame for frame in traceback.extract_tb(error.__traceback__) if SOURCE_FOLDER in Path(frame.filename).parents
    ]
    places = [f"{Path(frame.filename).relative_to(SOURCE_FOLDER.parent)}:{frame.lineno}" for frame in frames[-1:]]
    return " at ".join([kind, *places])
