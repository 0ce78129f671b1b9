"""Workbooks and CSVs as grids of cells, without interpretation of their contents."""

import csv
import io
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import openpyxl

from lakehouse.errors import BadInput
from lakehouse.hr.files import NOTHING_LOADED, display_name

DELIMITERS = ";,\t"


@dataclass(frozen=True)
class Line:
    """A line of a sheet, with the row number that Excel shows."""

    number: int
    cells: tuple[object, ...]


@dataclass(frozen=True)
class Grid:
    """The lines of a sheet, or those of a CSV up to `unclosed_quote_line`, where its quotes stop matching."""

    lines: Sequence[Line]
    unclosed_quote_line: int | None = None


def read_grids(file: Path) -> list[Grid]:
    """Return a workbook's sheets in order, or a CSV parsed once with each delimiter.

    Raises BadInput where the file can be read as neither.
    """
    return _read_workbook(file) if file.suffix.casefold() == ".xlsx" else _read_csv(file)


def _read_workbook(file: Path) -> list[Grid]:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # openpyxl warns about styles and extensions that it ignores
            workbook = openpyxl.load_workbook(file, data_only=True)
        return [
            Grid([Line(number, cells) for number, cells in enumerate(sheet.iter_rows(values_only=True), start=1)])
            for sheet in workbook.worksheets
        ]
    except Exception:  # noqa: BLE001 - openpyxl raises whatever its zip and XML readers meet in a broken file
        raise BadInput(
            f"{display_name(file)} : illisible (abîmé, protégé par un mot de passe, ou pas un classeur .xlsx). "
            f"Ouvrez-le dans Excel et enregistrez-le de nouveau en .xlsx. {NOTHING_LOADED}"
        ) from None


def _read_csv(file: Path) -> list[Grid]:
    text = _decode(file)
    return [_parse_csv(text, delimiter) for delimiter in DELIMITERS]


def _decode(file: Path) -> str:
    try:
        content = file.read_bytes()
        try:
            return content.decode("utf-8-sig")
        except UnicodeDecodeError:
            return content.decode("cp1252")
    except (OSError, UnicodeDecodeError):
        raise BadInput(
            f"{display_name(file)} : illisible (ni UTF-8 ni Windows-1252, ou accès refusé). "
            f"Enregistrez-le en « CSV UTF-8 ». {NOTHING_LOADED}"
        ) from None


def _parse_csv(text: str, delimiter: str) -> Grid:
    """Parse the text; a record that spans several lines, as a quoted address may, has the number of its last.

    A wrong delimiter often breaks the quotes, so `unclosed_quote_line` is an error only once the columns are found.
    """
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    lines: list[Line] = []
    try:
        lines.extend(Line(reader.line_num, tuple(cells)) for cells in reader)
    except csv.Error:
        return Grid(lines, unclosed_quote_line=reader.line_num)
    return Grid(lines)
