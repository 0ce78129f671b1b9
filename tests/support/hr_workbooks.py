"""HR's two files with one of them built cell by cell, read as the load reads them."""

from collections.abc import Hashable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from lakehouse.errors import BadInput
from lakehouse.hr.company_files import Company, read_company
from support.hr_files import Row, practice, sheet, write_csv
from support.raw_workbook import RawSheet, RawWorkbook

SPORTS = [practice(number, "Judo") for number in range(1, 10)]


def hr_rows(*rows: Row, order: int = 1) -> list[list[object]]:
    """Return the header and the rows; with `order` -1, the columns are reversed."""
    return [line[::order] for line in sheet(rows)]


def write_hr_workbook(folder: Path, *sheets: RawSheet, **options: Any) -> Path:
    """Write HR's workbook beside a sports file, and return their folder."""
    RawWorkbook(sheets, **options).write(folder / "DonneesRH.xlsx")
    write_csv(folder / "sport.csv", sheet(SPORTS))
    return folder


def refusal(folder: Path) -> str:
    """Return the text of the error with which the files are refused."""
    with pytest.raises(BadInput) as refused:
        read_company(folder)
    assert "Rien n'a été chargé." in str(refused.value)
    return str(refused.value)


def employees(company: Company) -> list[dict[Hashable, Any]]:
    return company.employees.to_dict("records")


def remarks(company: Company) -> Sequence[str]:
    """Return the remarks about HR's file."""
    return [remark for remark in company.remarks if remark.startswith("DonneesRH")]


def values(folder: Path, field: str) -> Mapping[int, object]:
    """Return a field's values by line."""
    return dict(read_company(folder).employees[field].items())  # type: ignore[arg-type]
