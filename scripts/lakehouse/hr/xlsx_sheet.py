"""A sheet's XML, streamed once: rows as they come, and what stands before and after them."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import lru_cache

from openpyxl.utils.cell import column_index_from_string, range_boundaries

from lakehouse.hr.array_formulas import ArrayFormulas
from lakehouse.hr.file_formats import DAMAGED
from lakehouse.hr.files import UnusableFile
from lakehouse.hr.lines import CellRange, Line, Sheet
from lakehouse.hr.shared_strings import PHONETIC, TEXT, TextCollector
from lakehouse.hr.xlsx_cells import CellReader, RawCell
from lakehouse.hr.xlsx_workbook import MAIN, reject_strict
from lakehouse.hr.xml_stream import create_parser, feed, is_true, parse_count

MAX_ROW, MAX_COLUMN = 1_048_576, 16_384
COLUMN_LETTERS = re.compile(r"\$?([A-Za-z]{1,3})\$?[0-9]+")


class SheetReader:
    """The handlers of a sheet's elements. Lines that hold something are collected in `lines`."""

    def __init__(self, sheet: Sheet, cells: CellReader) -> None:
        self.sheet = sheet
        self.lines: list[Line] = []
        self._cells = cells
        self._arrays = ArrayFormulas()
        self._values: dict[int, object] = {}
        self._row = self._column = 0
        self._is_row_hidden = self._are_rows_hidden = False
        self._cell: RawCell | None = None
        self._collector = TextCollector()
        self._is_text = False
        self._phonetic_depth = 0
        self._starts: Mapping[str, Callable[[dict[str, str]], None]] = {
            MAIN + "c": self._start_cell,
            MAIN + "row": self._start_row,
            MAIN + "v": self._start_value,
            MAIN + "f": self._start_formula,
            MAIN + "col": self._start_column,
            MAIN + "sheetFormatPr": self._start_format,
            MAIN + "mergeCell": self._start_merged,
        }
        self._ends: Mapping[str, Callable[[], None]] = {MAIN + "c": self._end_cell, MAIN + "row": self._end_row}

    def start(self, name: str, attributes: dict[str, str]) -> None:
        self._is_text = name == TEXT
        if handler := self._starts.get(name):
            handler(attributes)
        elif name == PHONETIC:
            self._phonetic_depth += 1
        else:
            reject_strict(name)

    def end(self, name: str) -> None:
        self._is_text = False
        if handler := self._ends.get(name):
            handler()
        elif name == PHONETIC:
            self._phonetic_depth -= 1

    def characters(self, piece: str) -> None:
        if self._is_text and self._cell and not self._phonetic_depth:
            self._collector.add(piece)

    def _start_row(self, attributes: dict[str, str]) -> None:
        row = parse_count(attributes["r"]) if "r" in attributes else self._row + 1
        if not self._row < row <= MAX_ROW:
            raise UnusableFile(DAMAGED)
        self._row, self._column = row, -1
        is_shown = not self._are_rows_hidden or "hidden" in attributes or "ht" in attributes
        self._is_row_hidden = is_true(attributes, "hidden") or attributes.get("ht") == "0" or not is_shown

    def _start_cell(self, attributes: dict[str, str]) -> None:
        column = column_of(attributes["r"]) if "r" in attributes else self._column + 1
        if not self._column < column < MAX_COLUMN:
            raise UnusableFile(DAMAGED)
        self._column = column
        self.sheet.cells_visited += 1
        self._cell = RawCell(attributes.get("t", "n"), attributes.get("s"))
        self._collector.clear()

    def _start_value(self, _attributes: dict[str, str]) -> None:
        if self._cell:
            self._cell.has_value = self._is_text = True

    def _start_formula(self, attributes: dict[str, str]) -> None:
        if self._cell:
            self._cell.has_formula = True
            if attributes.get("t") in {"array", "dataTable"} and "ref" in attributes:
                self._cell.array = parse_range(attributes["ref"])

    def _end_cell(self) -> None:
        if not self._cell:
            return
        value = self._cells.read(self._cell, self._collector.text)
        if self._cell.array and not self._cell.array.is_single_cell:
            self._arrays.add(self._cell.array, value)
        if value is not None:
            self._values[self._column] = value
        self._cell = None

    def _end_row(self) -> None:
        spans = self._arrays.apply(self._row, self._values) if self._arrays else ()
        if self._values:
            self.lines.append(Line(self._row, self._values, is_hidden=self._is_row_hidden, array_spans=spans))
            self._values = {}

    def _start_column(self, attributes: dict[str, str]) -> None:
        if is_true(attributes, "hidden") or attributes.get("width") == "0":
            first, last = parse_count(attributes.get("min", "")), parse_count(attributes.get("max", ""))
            self.sheet.hidden_columns.append((first - 1, last - 1))

    def _start_format(self, attributes: dict[str, str]) -> None:
        self._are_rows_hidden = is_true(attributes, "zeroHeight")

    def _start_merged(self, attributes: dict[str, str]) -> None:
        block = parse_range(attributes.get("ref", ""))
        if not block.is_single_cell:
            self.sheet.merged.append(block)


def read_lines(sheet: Sheet, chunks: Iterable[bytes], cells: CellReader) -> Iterator[Line]:
    """Yield the lines of a sheet's XML as they are read."""
    reader = SheetReader(sheet, cells)
    parser = create_parser(reader.start, reader.end, reader.characters)
    for _ in feed(chunks, parser):
        yield from reader.lines
        reader.lines.clear()


@lru_cache(maxsize=4096)
def _column_number(letters: str) -> int:
    return column_index_from_string(letters) - 1


def column_of(reference: str) -> int:
    """Return the column of a reference such as `K12`, counted from 0."""
    match = COLUMN_LETTERS.fullmatch(reference)
    if not match:
        raise UnusableFile(DAMAGED)
    return _column_number(match[1].upper())


def parse_range(reference: str) -> CellRange:
    """Return a range such as `E2:E5`; whole rows and columns reach to the end of the sheet."""
    try:
        first_column, first_row, last_column, last_row = range_boundaries(reference)
    except (ValueError, TypeError):
        raise UnusableFile(DAMAGED) from None
    return CellRange(
        reference, first_row or 1, last_row or MAX_ROW, (first_column or 1) - 1, (last_column or MAX_COLUMN) - 1
    )
