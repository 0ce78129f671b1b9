"""The rows below a header, parsed cell by cell into columns."""

from array import array
from collections.abc import Mapping, Sequence

import pandas as pd

from lakehouse.hr.cells import Unreadable, clean
from lakehouse.hr.columns import Column
from lakehouse.hr.file_problems import Problem, Problems
from lakehouse.hr.lines import Line, UnreadableCell

MAX_CACHED_VALUES = 1_000  # of a column: units and modes repeat, addresses do not


class RowParser:
    """The values of all rows by column, without blank rows; rows with a problem are only in `filled_lines`."""

    def __init__(self, header: Line, positions: Mapping[int, Column]) -> None:
        self.header = header
        self.positions = positions
        self.problems = Problems()
        self.filled_lines = array("q")
        self.hidden_lines = array("q")
        self._lines = array("q")
        self._parsers = [CellParser(column, position) for position, column in positions.items()]

    def add(self, line: Line) -> None:
        """Parse a line's cells, and add its row or its problems."""
        cells = [line.at(position) for position in self.positions]
        if all(is_blank(cell) for cell in cells):
            return
        self.filled_lines.append(line.number)
        if line.is_hidden:
            self.hidden_lines.append(line.number)
        if problem := self._check_width(line):
            self.problems.add(problem)
            return
        values = [parser.parse(cell) for parser, cell in zip(self._parsers, cells, strict=True)]
        reasons = [
            (parser, value) for parser, value in zip(self._parsers, values, strict=True) if type(value) is Reason
        ]
        for parser, reason in reasons:
            self.problems.add(Problem(line.number, reason, parser.column.title))
        if not reasons:
            self._lines.append(line.number)
            for parser, value in zip(self._parsers, values, strict=True):
                parser.parsed.append(value)

    def to_frame(self, columns: Sequence[Column]) -> pd.DataFrame:
        """Return the rows as a frame with a column for each field, indexed by line.

        Its columns are of objects: types that pandas infers would make floats of integers beside blanks.
        """
        values = {parser.column.field: parser.parsed for parser in self._parsers}
        return pd.DataFrame(
            values, index=self._lines.tolist(), columns=[column.field for column in columns], dtype=object
        )

    def _check_width(self, line: Line) -> Problem | None:
        """Return the problem of a CSV's line that has more or fewer values than the header."""
        if line.width is None or self.header.width is None or line.width == self.header.width:
            return None
        if line.width > self.header.width:
            return Problem(line.number, "plus de valeurs que de colonnes (séparateur dans un texte ?)")
        last_title = max(self.header.cells)
        if line.width > last_title and not is_blank(line.at(last_title)):
            return None  # only columns without a title are cut off; a lost delimiter would leave this one blank
        cut = [column for position, column in self.positions.items() if position >= line.width]
        if any(column.may_be_cut for column in self.positions.values()) and all(column.may_be_cut for column in cut):
            return None
        words = [f"écrivez « {column.word_for_none} » dans « {column.title} » si la personne n'en a pas"
                 for column in self.positions.values() if column.word_for_none]  # fmt: skip
        remedy = "séparateur dans un texte, ou fin de ligne que le tableur n'a pas écrite ? " + " ; ".join(words)
        return Problem(line.number, f"moins de valeurs que de colonnes ({remedy.strip()})")


class Reason(str):
    """Why a cell cannot be parsed."""

    __slots__ = ()


class CellParser:
    """The values of one column."""

    def __init__(self, column: Column, position: int) -> None:
        self.column = column
        self.position = position
        self.parsed: list[object] = []
        self._cache: dict[tuple[type, object], object] = {}

    def parse(self, cell: object) -> object:
        """Return the cell's value, None where it is blank, or the reason why it has none."""
        key = (type(cell), cell)
        if key in self._cache:
            return self._cache[key]
        value = self._parse(cell)
        if len(self._cache) < MAX_CACHED_VALUES:
            self._cache[key] = value
        return value

    def _parse(self, cell: object) -> object:
        if isinstance(cell, UnreadableCell):
            return Reason(cell.reason)
        try:
            value = self.column.parse(cell)
        except Unreadable as unreadable:
            return Reason(unreadable)
        return Reason("vide") if value is None and self.column.required else value


def is_blank(cell: object) -> bool:
    """Return whether a cell is absent or shows nothing. An unreadable cell is not blank."""
    return cell is None or (isinstance(cell, str) and not clean(cell))
