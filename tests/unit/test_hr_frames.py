"""Values of HR's files are unchanged in the frame, in the cleaned CSV and in COPY's rows."""

import csv
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from lakehouse.hr.company_files import Company, read_company
from lakehouse.hr.export_csv import export_cleaned_csv
from lakehouse.settings import SAMPLE_DIR
from support.hr_files import EMPLOYEE, employee, practice, sheet, write_company_files, write_workbook

# Of the sample company's files, as the standard library's csv.writer wrote them.
CLEANED_SAMPLE_DIGESTS = {
    "rh_employees.csv": "0061b0c81e86ee4829c93524d5bdf348dccd1e2e72df211694e468b9c4c2d952",
    "sport_activities.csv": "6097b234bb1a13fe997a0e2fa2a3bab39890b66a20ff833e3d325c833ee36d3d",
}
TITLES = {"nom": "nom", "cp": "nb_conges_payes", "naissance": "date_naissance"}
TITLES |= {"salaire": "salaire_brut", "adresse": "adresse_complete"}


def cleaned_csv(company: Company, folder: Path) -> Path:
    with export_cleaned_csv(company, folder):
        pass
    return folder / "rh_employees.csv"


@pytest.mark.parametrize(
    ("column", "cells", "values", "written"),
    [
        pytest.param("cp", [25, None, 0], ["25", "None", "0"], ["25", "", "0"], id="integers beside a blank"),
        pytest.param(
            "cp", [25.0, "26", 2**31 - 1], ["25", "26", "2147483647"], ["25", "26", "2147483647"], id="floats"
        ),
        pytest.param(
            "nom", ["007", "1e5", "12"], ["'007'", "'1e5'", "'12'"], ["007", "1e5", "12"], id="digits as text"
        ),
        pytest.param("nom", ["NA", "nan", "None"], ["'NA'", "'nan'", "'None'"], ["NA", "nan", "None"], id="no blanks"),
        pytest.param(
            "nom", ["NULL", "NaT", "True"], ["'NULL'", "'NaT'", "'True'"], ["NULL", "NaT", "True"], id="words"
        ),
        pytest.param("adresse", [None, "", " \u00a0"], ["None"] * 3, [""] * 3, id="blanks"),
        pytest.param(
            "naissance",
            ["1990-05-17", None, "17/5/1905"],
            ["datetime.date(1990, 5, 17)", "None", "datetime.date(1905, 5, 17)"],
            ["1990-05-17", "", "1905-05-17"],
            id="dates beside a blank",
        ),
        pytest.param(
            "salaire",
            ["0,10", 52770, "99 999 999,99"],
            ["Decimal('0.10')", "Decimal('52770.00')", "Decimal('99999999.99')"],
            ["0.10", "52770.00", "99999999.99"],
            id="decimals keep their cents",
        ),
    ],
)
def test_value_keeps_its_type_in_the_frame_and_its_text_in_the_csv(
    tmp_path: Path, column: str, cells: list[Any], values: list[str], written: list[str]
) -> None:
    rows = [employee(id=number, **{column: cell}) for number, cell in enumerate(cells, start=1)]
    company, field = read_company(write_company_files(tmp_path, rows)), TITLES[column]
    copied = [row[company.employees.columns.get_loc(field)] for row in company.employees.itertuples(index=False)]
    assert [repr(value) for value in copied] == values
    with cleaned_csv(company, tmp_path / "output").open(encoding="utf-8", newline="") as file:
        assert [row[field] for row in csv.DictReader(file)] == written


def test_rows_are_indexed_by_their_lines_in_the_file(tmp_path: Path) -> None:
    title, blank = ["Extrait"], [None] * len(EMPLOYEE)
    write_workbook(tmp_path / "RH.xlsx", [title, *sheet([EMPLOYEE]), blank, list(employee(id=2).values())])
    write_workbook(tmp_path / "Sportive.xlsx", sheet([practice(9, "Judo"), practice(2, "Judo")]))
    company = read_company(tmp_path)
    assert company.employees.index.tolist() == [3, 5]
    assert company.practices.index.tolist() == [3]


def test_sports_file_without_rows_is_read(tmp_path: Path) -> None:
    write_company_files(tmp_path, [EMPLOYEE])
    write_workbook(tmp_path / "DonneesSportive.xlsx", sheet([practice(1, None)])[:1])
    assert read_company(tmp_path).practices.empty


def test_text_with_delimiters_quotes_and_accents_is_quoted_as_rfc_4180_says(tmp_path: Path) -> None:
    company = read_company(write_company_files(tmp_path, [employee(nom='D"Angelo', adresse="1, rue de l'Étoile")]))
    content = cleaned_csv(company, tmp_path / "output").read_bytes()
    assert content.endswith(
        '1,"D""Angelo",Juliette,1990-05-17,2015-09-01,Ventes,52770.00,CDI,25,"1, rue de l\'Étoile",'
        "Marche/running\r\n".encode()
    )


def test_cleaned_csv_of_the_sample_company_is_the_same_to_the_byte(tmp_path: Path) -> None:
    cleaned_csv(read_company(SAMPLE_DIR), tmp_path)
    assert {file.name: sha256(file.read_bytes()).hexdigest() for file in tmp_path.iterdir()} == CLEANED_SAMPLE_DIGESTS


def test_cleaned_csv_can_be_read_by_its_owner_only(tmp_path: Path) -> None:
    file = cleaned_csv(read_company(write_company_files(tmp_path, [EMPLOYEE])), tmp_path / "output")
    assert file.stat().st_mode & 0o777 == 0o600
