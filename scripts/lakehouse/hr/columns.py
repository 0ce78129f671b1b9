"""The columns that a file must have."""

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Column:
    """A column that a file must have; with `required`, its cells must not be blank.

    With `may_be_cut`, a CSV's line that ends before it has a blank cell. Other lines that end early are refused.
    `word_for_none` is what HR writes into such a cell instead.
    """

    field: str
    title: str
    parse: Callable[[object], object | None]
    required: bool = False
    may_be_cut: bool = False
    word_for_none: str | None = None
