"""The parsed rows as CSV in data/output, so that people can check how the files were read.

They can be loaded again, with the same rows as result.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pandas as pd

from lakehouse.errors import BadInput
from lakehouse.hr.company_files import Company
from lakehouse.hr.files import NOTHING_LOADED
from lakehouse.hr.formulas import escape_formulas


@contextmanager
def export_cleaned_csv(company: Company, folder: Path) -> Iterator[None]:
    """Write the company to temporary CSV files, and replace those of the last load once the block has succeeded.

    The files contain salaries: only their owner may read them. Raises BadInput where the folder cannot be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        tables = {"rh_employees": company.employees, "sport_activities": company.practices}
        temp_files = {folder / f"{name}.csv": _write_temp(folder, name, rows) for name, rows in tables.items()}
    except OSError as error:
        raise BadInput(f"{folder} : écriture impossible ({error.strerror}). Libérez-le. {NOTHING_LOADED}") from None
    try:
        yield
        for file, temp_file in temp_files.items():
            temp_file.replace(file)
    finally:
        for temp_file in temp_files.values():
            temp_file.unlink(missing_ok=True)


def _write_temp(folder: Path, name: str, rows: pd.DataFrame) -> Path:
    file = folder / f".{name}.new"
    file.touch(mode=0o600)
    rows.apply(_without_formulas).to_csv(file, index=False, lineterminator="\r\n")
    return file


def _without_formulas(column: pd.Series) -> pd.Series:
    cells = [escape_formulas(cell) if isinstance(cell, str) else cell for cell in column]
    return pd.Series(cells, index=column.index, dtype=object)
