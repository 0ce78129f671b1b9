"""The section hr-files: loads of HR's files whose extent or size is out of proportion, without the stream."""

import sys
from collections.abc import Generator, Iterator
from pathlib import Path

from benchmarks.jobs import run_timed
from benchmarks.measurements import Measurement
from benchmarks.options import Options
from benchmarks.system import BenchmarkSystem, start_system
from lakehouse.contracts import TRAVEL_MODES
from lakehouse.settings import ROOT
from support.hr_files import Row, employee, sheet, staff, write_csv
from support.raw_workbook import RawSheet, RawWorkbook
from support.system import Log

HR_FILES_SECTION = "hr-files"
STRAY_CELLS = ("A1048576", "XFD1048576")
WORKBOOK_TARGET_S = 5.0  # the start of Python and of the job included
MEMORY_TARGET_MIB = 1_024
LOAD_COMMAND = (sys.executable, str(ROOT / "scripts" / "ETL_Full_Load" / "pipeline.py"), "--history-months", "0")


def measure(options: Options, log: Log) -> Generator[Measurement, None, None]:
    """Yield the seconds and the peak memory of each load, into a Postgres of its own."""
    with start_system(log) as system:
        system.stack.up("postgres")
        for reference in STRAY_CELLS:
            folder = write_stray_cell(system.stack.home / reference, reference)
            yield from _measure(system, f"two people, a cell at {reference}", folder, WORKBOOK_TARGET_S)
        folder = write_large_csv(system.stack.home / "large", options.csv_rows)
        yield from _measure(system, f"CSV of {options.csv_rows:,} rows", folder)


def write_stray_cell(folder: Path, reference: str) -> Path:
    """Write a workbook of two people with one formatted blank cell elsewhere, and return the folder."""
    row = reference.lstrip("ABCDEFGHIJKLMNOPQRSTUVWXYZ")
    cell = f'<row r="{row}"><c r="{reference}" s="1"/></row>'
    stray = RawSheet(sheet(staff(2)), dimension=f"A1:{reference}", extra_rows=cell)
    RawWorkbook([stray]).write(folder / "DonneesRH.xlsx")
    _write_sports(folder)
    return folder


def write_large_csv(folder: Path, rows: int) -> Path:
    """Write a CSV of people with names and addresses of their own, and return the folder."""
    _write_sports(folder)
    with (folder / "RH.csv").open("w", encoding="utf-8") as opened:
        opened.write(";".join(employee()) + "\n")
        opened.writelines(";".join(map(str, row.values())) + "\n" for row in _people(rows))
    return folder


def _people(rows: int) -> Iterator[Row]:
    yield from staff(2)  # whom the loads before this one left, unchanged
    modes = list(TRAVEL_MODES)
    for number in range(3, rows + 1):
        yield employee(
            id=number,
            nom=f"Nom{number}",
            adresse=f"{number} rue du Moulin, 34970 Lattes",
            moyen=modes[number % len(modes)],
            salaire=20_000 + number % 60_000,
        )


def _write_sports(folder: Path) -> None:
    write_csv(folder / "sport.csv", [["ID salarié", "Pratique d'un sport"], [1, "Judo"], [2, "Tennis"]])


def _measure(system: BenchmarkSystem, name: str, folder: Path, target: float | None = None) -> Iterator[Measurement]:
    run = run_timed(system, system.settings, *LOAD_COMMAND, "--input", str(folder))
    yield Measurement(HR_FILES_SECTION, name, "s", ours=run.seconds, target=target)
    yield Measurement(HR_FILES_SECTION, f"{name}, peak memory", "MiB", ours=run.peak_mib, target=MEMORY_TARGET_MIB)
