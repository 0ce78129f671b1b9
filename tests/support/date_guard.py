"""A guard against dates that the pipeline passes to the JVM as objects: its old calendar fails before the year 1000."""

import inspect
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import date
from typing import Any
from unittest.mock import patch

from pyspark.sql.types import DateConverter, DatetimeConverter, DatetimeNTZConverter

from lakehouse.settings import ROOT

PIPELINE_FOLDER = str(ROOT / "scripts")
# In the order in which py4j looks for one; the first that accepts a value converts it.
CONVERTERS: tuple[Any, ...] = (DatetimeNTZConverter, DatetimeConverter, DateConverter)


@contextmanager
def refuse_date_objects() -> Iterator[None]:
    """Raise TypeError wherever code of scripts passes a date or a datetime to the JVM, until the block ends."""
    with ExitStack() as patches:
        for converter in CONVERTERS:
            patches.enter_context(patch.object(converter, "can_convert", _guarded(converter.can_convert)))
        yield


def _guarded(can_convert: Callable[[Any, object], bool]) -> Callable[[Any, object], bool]:
    def refuse_or_convert(converter: Any, value: object) -> bool:
        if isinstance(value, date) and _is_called_from_scripts():
            raise TypeError("pass a date or datetime by lakehouse.spark.literals.lit, which writes it as text")
        return can_convert(converter, value)

    return refuse_or_convert


def _is_called_from_scripts() -> bool:
    frame = inspect.currentframe()
    while frame:
        if frame.f_code.co_filename.startswith(PIPELINE_FOLDER):
            return True
        frame = frame.f_back
    return False
