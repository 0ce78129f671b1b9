"""A writer of reproducible workbooks: the same cells become the same bytes at any time, on any machine."""

import io
import re
import zipfile
from collections.abc import Sequence
from datetime import date, datetime
from pathlib import Path

from openpyxl import Workbook
from openpyxl.styles import Font, PatternFill
from openpyxl.worksheet.worksheet import Worksheet

Cell = str | int | float | date | None
Sheets = Sequence[tuple[str, Sequence[Sequence[Cell]]]]

FIXED_TIMESTAMP = datetime(2026, 1, 5, 9, 0)  # noqa: DTZ001 - Excel stores it without a zone
LAST_FORMATTED_ROW = 1000  # formatted but blank, as real files are


def write_workbook(file: Path, sheets: Sheets) -> None:
    """Write the sheets, each with a bold header and formatted blank rows down to row 1000."""
    workbook = Workbook()
    workbook.remove(workbook.worksheets[0])
    for title, rows in sheets:
        _fill_sheet(workbook.create_sheet(title), rows)
    workbook.properties.creator = "RH"
    workbook.properties.created = FIXED_TIMESTAMP
    raw = io.BytesIO()
    workbook.save(raw)
    file.write_bytes(_normalize_archive(raw.getvalue()))


def _fill_sheet(sheet: Worksheet, rows: Sequence[Sequence[Cell]]) -> None:
    for row in rows:
        sheet.append(list(row))
    for cell in (cell for row in sheet.iter_rows() for cell in row if cell.data_type == "f"):
        cell.data_type = "s"  # openpyxl makes a formula of text that begins with =
    for cell in sheet[1]:
        cell.font = Font(bold=True)
    for blank in sheet.iter_rows(min_row=len(rows) + 1, max_row=LAST_FORMATTED_ROW, max_col=len(rows[0])):
        for cell in blank:
            cell.fill = PatternFill("solid", fgColor="FFFFFF")


def _normalize_archive(workbook: bytes) -> bytes:
    """Return the workbook with fixed dates in its archive, uncompressed: compressors differ between machines."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(workbook)) as source, zipfile.ZipFile(out, "w", zipfile.ZIP_STORED) as target:
        for entry in source.infolist():
            content = source.read(entry)
            if entry.filename == "docProps/core.xml":
                content = re.sub(rb"(<dcterms:modified[^>]*>)[^<]*", rb"\g<1>2026-01-05T09:00:00Z", content)
            info = zipfile.ZipInfo(entry.filename, FIXED_TIMESTAMP.timetuple()[:6])
            info.create_system = 3
            target.writestr(info, content)
    return out.getvalue()
