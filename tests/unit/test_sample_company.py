"""The sample company's files: the same for the same seed, and as untidy as real ones."""

import unicodedata
from collections import Counter
from decimal import Decimal
from pathlib import Path

import openpyxl
import pytest

from lakehouse.contracts import TRAVEL_MODES
from lakehouse.hr.company_files import read_company
from lakehouse.settings import SAMPLE_DIR
from lakehouse.simulator.sample_company import HR_FILE, SPORTS_FILE, write_sample_files


@pytest.fixture(scope="module")
def sample_files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("sample")
    write_sample_files(folder)
    return folder


def cells(file: Path, sheet: int) -> list[tuple[object, ...]]:
    return list(openpyxl.load_workbook(file).worksheets[sheet].iter_rows(min_row=2, values_only=True))


def test_the_same_seed_gives_the_same_bytes(sample_files: Path, tmp_path: Path) -> None:
    write_sample_files(tmp_path)
    for name in (HR_FILE, SPORTS_FILE):
        assert (tmp_path / name).read_bytes() == (sample_files / name).read_bytes()


def test_another_seed_gives_another_company(sample_files: Path, tmp_path: Path) -> None:
    write_sample_files(tmp_path, seed=7)
    assert (tmp_path / HR_FILE).read_bytes() != (sample_files / HR_FILE).read_bytes()
    assert len(read_company(tmp_path).employees) == 168


def test_committed_sample_files_match_the_generator(sample_files: Path) -> None:
    for name, sheets in ((HR_FILE, 2), (SPORTS_FILE, 1)):
        for sheet in range(sheets):
            assert cells(SAMPLE_DIR / name, sheet) == cells(sample_files / name, sheet), name


def test_sample_files_are_read_completely_with_two_remarks(sample_files: Path) -> None:
    company = read_company(sample_files)
    assert len(company.employees) == len(company.practices) == 168
    assert len(company.remarks) == 2
    assert set(company.employees["moyen_deplacement"]) == set(TRAVEL_MODES)


def test_sample_files_contain_every_untidy_case(sample_files: Path) -> None:
    rows = cells(sample_files / HR_FILE, 1)
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
    sports = {row[1] for row in cells(sample_files / SPORTS_FILE, 0)}
    assert {"Runing", None} < sports


def test_sample_salaries_include_primes_that_must_be_rounded(sample_files: Path) -> None:
    primes = [salary * Decimal("0.05") for salary in read_company(sample_files).employees["salaire_brut"]]
    assert sum(prime != round(prime, 2) for prime in primes) > 10
