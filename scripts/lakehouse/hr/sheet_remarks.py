"""Remarks about what a workbook hides: hidden rows and columns are read, hidden sheets are not."""

from collections.abc import Sequence

from lakehouse.french import format_lines
from lakehouse.hr.lines import Sheet
from lakehouse.hr.row_parser import RowParser


def describe_hidden_sheets(names: Sequence[str]) -> list[str]:
    """Return the remark that names the sheets that were left out."""
    if not names:
        return []
    quoted = ", ".join(f"« {name} »" for name in names)
    return [f"{_count(len(names), 'feuille masquée', 'feuilles masquées')}, non lue{_s(len(names))} : {quoted}."]


def describe_hidden_cells(sheet: Sheet, parser: RowParser) -> list[str]:
    """Return the remarks that count the hidden rows and columns that were read."""
    remarks = []
    if lines := parser.hidden_lines:
        count = _count(len(lines), "ligne masquée", "lignes masquées")
        remarks.append(f"{count}, lue{_s(len(lines))} comme les autres ({format_lines(lines)}).")
    titles = [
        column.title
        for position, column in parser.positions.items()
        if any(first <= position <= last for first, last in sheet.hidden_columns)
    ]
    if titles:
        quoted = ", ".join(f"« {title} »" for title in titles)
        count = _count(len(titles), "colonne masquée", "colonnes masquées")
        remarks.append(f"{count}, lue{_s(len(titles))} comme les autres : {quoted}.")
    return remarks


def _count(count: int, one: str, many: str) -> str:
    return f"{count} {one if count == 1 else many}"


def _s(count: int) -> str:
    return "" if count == 1 else "s"
