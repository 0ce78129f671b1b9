"""Text that a spreadsheet would compute is written as text, and read back as it was."""

import csv
from pathlib import Path

import openpyxl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lakehouse.hr.company_files import Company, read_company
from lakehouse.hr.export_csv import export_cleaned_csv
from lakehouse.hr.formulas import escape_formulas, unescape_formulas
from lakehouse.settings import SAMPLE_DIR
from lakehouse.simulator.sample_workbook import write_workbook
from support.hr_files import employee, practice, sheet, write_csv

FORMULAS = [
    "=1+1",
    "+33 6 12 34 56 78",
    "-2",
    "@SUM(A1)",
    "＝1+1",
    "＋1",
    "－1",
    "＠SUM(A1)",
    "﹦1",
    "−1",
    '=HYPERLINK("http://x","y")',
    "=cmd|' /C calc'!A0",
    "bât. A;=1+1",
    'bât. A; "=1+1"',
    "a;b;@x",
]
ALPHABET = st.sampled_from("=+-@＝−;,'\" \taé1")
# What a program that shows the cells of a CSV may take for the start of a formula.
COMPUTED = tuple("=+-@＝＋－＠﹦﹢﹣﹫−\t\r")


def export(company: Company, folder: Path) -> Path:
    with export_cleaned_csv(company, folder):
        return folder


def company_with(folder: Path, text: str) -> Company:
    """Return a company in which every column of text has this one."""
    person = employee(nom=text, prenom=text, contrat=text, unite=text, adresse=text, moyen=text)
    # As CSV: openpyxl would make formulas of these texts.
    write_csv(folder / "RH.csv", sheet([person, employee(id=2)]))
    write_csv(folder / "sport.csv", sheet([practice(1, text)]))
    return read_company(folder)


def cells(file: Path, delimiter: str) -> list[str]:
    with file.open(encoding="utf-8", newline="") as lines:
        return [cell for line in csv.reader(lines, delimiter=delimiter) for cell in line]


@pytest.mark.parametrize("text", FORMULAS)
def test_no_cell_of_the_cleaned_csv_begins_as_a_formula_does(tmp_path: Path, text: str) -> None:
    folder = export(company_with(tmp_path, text), tmp_path / "output")
    for file in folder.iterdir():
        found = [cell for delimiter in ",;" for cell in cells(file, delimiter)]
        assert [cell for cell in found if cell.lstrip(' "').startswith(COMPUTED)] == []
        assert any("'" in cell for cell in found), "the text is there, with its apostrophe"


@pytest.mark.parametrize("text", [*FORMULAS, "'=1", "''=1", "l'eau", "'", "-", "' -1", "a - b", "a;b", "'a", "#1"])
def test_cleaned_csv_is_read_back_as_it_was(tmp_path: Path, text: str) -> None:
    company = company_with(tmp_path, text)
    again = read_company(export(company, tmp_path / "output"))
    assert again.employees.to_dict("records") == company.employees.to_dict("records")
    assert again.practices.to_dict("records") == company.practices.to_dict("records")


def test_cleaned_csv_of_the_sample_company_is_read_back_as_it_was(tmp_path: Path) -> None:
    company = read_company(SAMPLE_DIR)
    again = read_company(export(company, tmp_path / "output"))
    assert again.remarks == []
    assert again.employees.to_dict("records") == company.employees.to_dict("records")
    assert again.practices.to_dict("records") == company.practices.to_dict("records")


def test_cleaned_csv_of_a_company_without_sports_is_read_back(tmp_path: Path) -> None:
    write_csv(tmp_path / "RH.csv", sheet([employee()]))
    write_csv(tmp_path / "sport.csv", sheet([practice(1, None)])[:1])
    assert read_company(export(read_company(tmp_path), tmp_path / "output")).practices.empty


@given(st.text(ALPHABET, max_size=12))
def test_escaped_text_is_unescaped_to_the_same_text(text: str) -> None:
    assert unescape_formulas(escape_formulas(text)) == text


@given(st.text(ALPHABET, max_size=12))
def test_no_part_of_an_escaped_text_begins_as_a_formula_does(text: str) -> None:
    assert not any(part.lstrip(' "').startswith(COMPUTED) for part in escape_formulas(text).split(";") if part)


@pytest.mark.parametrize("text", ["l'eau", "12 - 14 rue", "a=b", "Saint-Jean", "jean@example.org", "' =", "", "a;b"])
def test_ordinary_text_is_written_as_it_is(text: str) -> None:
    assert escape_formulas(text) == unescape_formulas(text) == text


def test_generated_workbook_has_no_formula(tmp_path: Path) -> None:
    write_workbook(tmp_path / "RH.xlsx", [("Données", [["Nom", "BU"], ["=1+1", "=A1"]])])
    written = openpyxl.load_workbook(tmp_path / "RH.xlsx").worksheets[0]
    assert [(cell.value, cell.data_type) for cell in written[2]] == [("=1+1", "s"), ("=A1", "s")]
