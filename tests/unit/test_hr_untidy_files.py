"""Untidy HR files are read as the same rows as tidy ones."""

import csv
import unicodedata
from collections.abc import Hashable
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from lakehouse.hr.company_files import Company, read_company
from support.hr_files import (
    EMPLOYEE,
    Row,
    employee,
    practice,
    sheet,
    staff,
    write_company_files,
    write_csv,
    write_workbook,
)

JULIETTE = {
    "id": 1,
    "nom": "Mendes",
    "prenom": "Juliette",
    "date_naissance": date(1990, 5, 17),
    "date_embauche": date(2015, 9, 1),
    "business_unit": "Ventes",
    "salaire_brut": Decimal("52770.00"),
    "contrat": "CDI",
    "nb_conges_payes": 25,
    "adresse_complete": "12 rue du Moulin, 34970 Lattes",
    "moyen_deplacement": "Marche/running",
}
# The same employee as only a CSV or a person would write it.
AS_TEXT: Row = {
    **EMPLOYEE,
    "ID salarié": "1.0",
    "Date d'embauche": "1/9/2015",
    "Salaire brut": "52 770,00 €",
    "Nombre de jours de CP": "25",
}


def write_sports_file(folder: Path, *rows: Row) -> Path:
    return write_workbook(folder / "DonneesSportive.xlsx", sheet(rows or [practice(1, "Running")]))


def single_employee(company: Company) -> dict[Hashable, Any]:
    (employee,) = company.employees.to_dict("records")
    return employee


def test_a_tidy_file_is_read(tmp_path: Path) -> None:
    assert single_employee(read_company(write_company_files(tmp_path, [EMPLOYEE]))) == JULIETTE


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252"])
def test_csv_is_read_with_any_delimiter_and_encoding(tmp_path: Path, delimiter: str, encoding: str) -> None:
    write_csv(tmp_path / "Export RH.csv", sheet([AS_TEXT]), delimiter, encoding)
    write_csv(tmp_path / "sport.csv", sheet([practice("1", "Équitation")]), delimiter, encoding)
    company = read_company(tmp_path)
    assert single_employee(company) == JULIETTE
    assert company.practices["pratique_sport"].tolist() == ["Équitation"]


@pytest.mark.parametrize("delimiter", [",", ";"])
def test_all_of_a_csv_may_be_quoted(tmp_path: Path, delimiter: str) -> None:
    write_csv(tmp_path / "RH.csv", sheet([AS_TEXT]), delimiter, quoting=csv.QUOTE_ALL)
    write_sports_file(tmp_path)
    assert single_employee(read_company(tmp_path)) == JULIETTE


def test_a_cell_of_a_csv_may_span_two_lines(tmp_path: Path) -> None:
    write_csv(
        tmp_path / "RH.csv", sheet([employee(adresse="12 rue du Moulin,\n34970 Lattes"), employee(id=2, salaire="x")])
    )
    write_sports_file(tmp_path)
    with pytest.raises(Exception, match=r"RH\.csv, ligne 4, colonne « Salaire brut »"):
        read_company(tmp_path)


@pytest.mark.parametrize("form", ["NFC", "NFD"])
def test_accents_in_file_names_may_be_decomposed(tmp_path: Path, form: Any) -> None:
    write_company_files(tmp_path, [EMPLOYEE])
    (tmp_path / "DonneesRH.xlsx").rename(tmp_path / unicodedata.normalize(form, "Données RH.xlsx"))
    assert read_company(tmp_path).hr_file == unicodedata.normalize("NFC", "Données RH.xlsx")


@pytest.mark.parametrize("lock", ["~$DonneesRH.xlsx", ".~lock.DonneesRH.xlsx#", ".DonneesRH.xlsx"])
def test_office_lock_files_are_ignored(tmp_path: Path, lock: str) -> None:
    write_company_files(tmp_path, [EMPLOYEE])
    (tmp_path / lock).write_bytes(b"\x05HR")
    assert single_employee(read_company(tmp_path)) == JULIETTE


def test_columns_are_found_in_any_order_on_any_sheet_under_title_lines(tmp_path: Path) -> None:
    notes: list[list[Any]] = [["Export", None], ["Nom", "ID salarié"]]
    reversed_columns: list[list[Any]] = [
        ["Extrait le 5 janvier"],
        [],
        list(EMPLOYEE)[::-1],
        list(EMPLOYEE.values())[::-1],
    ]
    write_workbook(tmp_path / "RH.xlsx", notes, reversed_columns)
    write_sports_file(tmp_path)
    assert single_employee(read_company(tmp_path)) == JULIETTE


@pytest.mark.parametrize(
    ("title", "typed"),
    [
        ("Date d'embauche", "DATE D’EMBAUCHE "),
        ("Prénom", "prenom"),
        ("ID salarié", unicodedata.normalize("NFD", "Id  Salarié")),
        ("Salaire brut", "Salaire\nbrut (€)"),
    ],
)
def test_titles_are_understood_whatever_their_case_accents_spaces_and_apostrophes(
    tmp_path: Path, title: str, typed: str
) -> None:
    write_company_files(tmp_path, [{typed if name == title else name: value for name, value in EMPLOYEE.items()}])
    assert single_employee(read_company(tmp_path)) == JULIETTE


def test_blank_rows_are_ignored(tmp_path: Path) -> None:
    blank = [None] * len(EMPLOYEE)
    spaces = ["  ", "\u00a0", *blank[2:]]
    write_workbook(tmp_path / "RH.xlsx", [*sheet([EMPLOYEE]), blank, spaces, *[blank] * 990])
    write_sports_file(tmp_path)
    assert single_employee(read_company(tmp_path)) == JULIETTE


@pytest.mark.parametrize("identity", [1, 1.0, "1", " 1 ", "1.0", "1,00"])
def test_an_id_may_be_a_float_or_text(tmp_path: Path, identity: Any) -> None:
    assert (
        single_employee(read_company(write_company_files(tmp_path, [employee(id=identity)], [practice(1.0, None)])))
        == JULIETTE
    )


@pytest.mark.parametrize(
    "born",
    [date(1990, 5, 17), datetime(1990, 5, 17), "1990-05-17", "1990-05-17T00:00:00", "17/5/1990", " 17/05/1990", 33010],  # noqa: DTZ001 - as Excel has it
)
def test_a_day_may_be_an_excel_date_iso_or_french(tmp_path: Path, born: Any) -> None:
    assert single_employee(read_company(write_company_files(tmp_path, [employee(naissance=born)]))) == JULIETTE


@pytest.mark.parametrize("mode", [" marche/running", "MARCHE/RUNNING", "Marche / Running", "Marche\u00a0/running"])
def test_travel_mode_is_matched_without_regard_to_case_and_spaces(tmp_path: Path, mode: str) -> None:
    assert single_employee(read_company(write_company_files(tmp_path, [employee(moyen=mode)]))) == JULIETTE


def test_unknown_travel_mode_is_accepted_with_a_remark(tmp_path: Path) -> None:
    company = read_company(write_company_files(tmp_path, [employee(moyen="Trottinette  volante")]))
    assert single_employee(company)["moyen_deplacement"] == "Trottinette volante"
    assert company.remarks == [
        "DonneesRH.xlsx, ligne 2, colonne « Moyen de déplacement » : inconnu, compté comme non éligible."
    ]


def test_names_and_addresses_lose_only_stray_spaces_and_decomposed_accents(tmp_path: Path) -> None:
    decomposed = unicodedata.normalize("NFD", " 12  rue des Écoles\n34970\u00a0Lattes ")
    company = read_company(write_company_files(tmp_path, [employee(adresse=decomposed, nom=" D’Angelo\u200b")]))
    assert single_employee(company)["adresse_complete"] == "12 rue des Écoles 34970 Lattes"
    assert single_employee(company)["nom"] == "D’Angelo"


def test_two_employees_may_live_at_one_address(tmp_path: Path) -> None:
    assert len(read_company(write_company_files(tmp_path, staff(2))).employees) == 2


@pytest.mark.parametrize(
    ("typed", "sport"),
    [("Runing", "Running"), (" runing ", "Running"), ("RANDONNEE", "Randonnée"), ("", None), ("  ", None), (None, None),
     ("Curling", "Curling")],
)  # fmt: skip
def test_sport_name_is_canonicalised(tmp_path: Path, typed: str | None, sport: str | None) -> None:
    practices = read_company(write_company_files(tmp_path, [EMPLOYEE], [practice(1, typed)])).practices
    assert practices["pratique_sport"].tolist() == [sport]


def test_sports_row_without_an_employee_is_skipped_with_a_remark(tmp_path: Path) -> None:
    company = read_company(write_company_files(tmp_path, [EMPLOYEE], [practice(1, "Judo"), practice(2, "Judo")]))
    assert company.practices["id"].tolist() == [1]
    assert company.remarks == ["DonneesSportive.xlsx, ligne 3 : salarié absent du fichier RH, ligne ignorée."]
