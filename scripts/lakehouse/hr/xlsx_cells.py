"""One cell of a workbook: its value by its type, style and formula, or why it has none."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from openpyxl.utils.datetime import CALENDAR_WINDOWS_1900, from_excel

from lakehouse.hr.cells import EXCEL_ERROR, Serial1904
from lakehouse.hr.lines import NEVER_COMPUTED, CellRange, UnreadableCell
from lakehouse.hr.shared_strings import SharedStrings, read_text

NUMBER = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?", re.ASCII)
EXACT_INTEGER = re.compile(r"-?\d{1,15}", re.ASCII)
ERROR_CELL = UnreadableCell(EXCEL_ERROR)
NO_NUMBER = UnreadableCell("nombre illisible : saisissez-le de nouveau dans Excel")
NO_DATE = UnreadableCell("date hors des limites d'Excel")
UNKNOWN_TYPE = UnreadableCell("type de cellule inconnu : saisissez-la de nouveau dans Excel")


@dataclass
class RawCell:
    """A cell as it is written: its type, its style, and which elements it has."""

    kind: str
    style: str | None
    has_value: bool = False
    has_formula: bool = False
    array: CellRange | None = None


@dataclass(frozen=True)
class CellReader:
    """What a workbook's cells are read with: its shared texts, its date styles, its date system."""

    strings: SharedStrings
    date_styles: Sequence[bool]
    epoch: datetime = CALENDAR_WINDOWS_1900
    recalculates: bool = False

    def read(self, cell: RawCell, text: str) -> object:
        """Return the cell's value, None where it is blank, or an unreadable cell."""
        if cell.has_formula and not self._is_computed(cell, text):
            return NEVER_COMPUTED
        if cell.kind in {"str", "inlineStr", "d"}:
            return read_text(text)
        if cell.kind == "e":
            return ERROR_CELL
        return self._read_stripped(cell, text.strip()) if text.strip() else None

    def _is_computed(self, cell: RawCell, text: str) -> bool:
        """Return whether a formula has a value. Writers that compute nothing leave it out, or write 0 for all."""
        if not cell.has_value or (not text.strip() and cell.kind != "str"):
            return False
        return not (self.recalculates and cell.kind == "n" and text.strip() == "0")

    def _read_stripped(self, cell: RawCell, text: str) -> object:
        match cell.kind:
            case "n":
                return self._number(cell, text)
            case "s":
                return self.strings.get(text)
            case "b":
                return text in {"1", "true"}
        return UNKNOWN_TYPE

    def _number(self, cell: RawCell, text: str) -> object:
        if not NUMBER.fullmatch(text):
            return NO_NUMBER
        number = int(text) if EXACT_INTEGER.fullmatch(text) else float(text)
        if number in {float("inf"), float("-inf")}:
            return NO_NUMBER
        if self._shows_date(cell.style):
            try:
                return from_excel(number, self.epoch)
            except (OverflowError, ValueError):
                return NO_DATE
        return number if self.epoch == CALENDAR_WINDOWS_1900 else Serial1904(number)

    def _shows_date(self, style: str | None) -> bool:
        index = int(style) if style and style.isascii() and style.isdigit() and len(style) < 10 else -1  # noqa: PLR2004
        return 0 <= index < len(self.date_styles) and self.date_styles[index]
