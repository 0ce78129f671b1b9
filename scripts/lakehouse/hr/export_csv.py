"""The parsed rows as CSV in data/output, so that people can check how the files were read."""

import csv
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import astuple, fields
from pathlib import Path

from lakehouse.errors import BadInput
from lakehouse.hr.company import Company, Employee, Practice
from lakehouse.hr.files import NOTHING_LOADED


@contextmanager
def export_cleaned_csv(company: Company, folder: Path) -> Iterator[None]:
    """Write the company to temporary CSV files, and replace those of the last load once the block has succeeded.

    The files contain salaries: only their owner may read them. Raises BadInput where the folder cannot be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        temp_files = {
            folder / "rh_employees.csv": _write_temp(folder, Employee, company.employees),
            folder / "sport_activities.csv": _write_temp(folder, Practice, company.practices),
        }
    except OSError as error:
        raise BadInput(f"{folder} : écriture impossible ({error.strerror}). Libérez-le. {NOTHING_LOADED}") from None
    try:
        yield
        for file, temp_file in temp_files.items():
            temp_file.replace(file)
    finally:
        for temp_file in temp_files.values():
            temp_file.unlink(missing_ok=True)


def _write_temp(folder: Path, row_type: type, rows: Sequence[Employee] | Sequence[Practice]) -> Path:
    file = folder / f".{row_type.__name__}.new"
    file.touch(mode=0o600)
    with file.open("w", encoding="utf-8", newline="") as out:
        writer = csv.writer(out)
        writer.writerow([field.name for field in fields(row_type)])
        writer.writerows(astuple(row) for row in rows)
    return file
