"""The fictive company's files: always the same, and as untidy as real ones."""

import unicodedata
from collections import Counter
from decimal import Decimal
from pathlib import Path

import openpyxl
import pytest

from lakehouse.contracts import TRAVEL_MODES
from lakehouse.settings import ROOT
from lakehouse.source.hr.company import read_company
from lakehouse.source.sample_company import HR_FILE, SPORTS_FILE, sample

COMMITTED = ROOT / "data" / "input"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("made")
    sample(folder)
    return folder


def cells(file: Path, sheet: int) -> list[tuple[object, ...]]:
    return list(openpyxl.load_workbook(file).worksheets[sheet].iter_rows(min_row=2, values_only=True))


def test_the_same_seed_gives_the_same_bytes(made: Path, tmp_path: Path) -> None:
    sample(tmp_path)
    for name in (HR_FILE, SPORTS_FILE):
        assert (tmp_path / name).read_bytes() == (made / name).read_bytes()


def test_another_seed_gives_another_company(made: Path, tmp_path: Path) -> None:
    sample(tmp_path, seed=7)
    assert (tmp_path / HR_FILE).read_bytes() != (made / HR_FILE).read_bytes()
    assert len(read_company(tmp_path).employees) == 168


def test_the_committed_files_are_the_generators(made: Path) -> None:
    for name, sheets in ((HR_FILE, 2), (SPORTS_FILE, 1)):
        for sheet in range(sheets):
            assert cells(COMMITTED / name, sheet) == cells(made / name, sheet), name


def test_it_is_read_whole_with_two_remarks(made: Path) -> None:
    read = read_company(made)
    assert len(read.employees) == len(read.practices) == 168
    assert len(read.remarks) == 2
    assert {employee.moyen_deplacement for employee in read.employees} == set(TRAVEL_MODES)


def test_the_traps_are_in_it(made: Path) -> None:
    rows = cells(made / HR_FILE, 1)
    staff = [row for row in rows if row[0] is not None]
    assert not unicodedata.is_normalized("NFC", HR_FILE)
    assert len(rows) == 999
    assert {type(row[0]) for row in staff} == {str, int}
    assert any(str(row[0]).endswith(".0") for row in staff)
    assert {type(row[4]) for row in staff} > {str}
    salaries = [row[7] for row in staff if isinstance(row[7], str)]
    assert any("\u202f" in text for text in salaries)
    assert any("\u00a0" in text for text in salaries)
    addresses = [str(row[10]) for row in staff]
    assert Counter(addresses).most_common(1)[0][1] > 1
    assert any("," not in address for address in addresses)
    assert any("34" not in address for address in addresses)
    sports = {row[1] for row in cells(made / SPORTS_FILE, 0)}
    assert {"Runing", None} < sports


def test_some_primes_have_to_be_rounded_up(made: Path) -> None:
    primes = [employee.salaire_brut * Decimal("0.05") for employee in read_company(made).employees]
    assert sum(prime != round(prime, 2) for prime in primes) > 10
