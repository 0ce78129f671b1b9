"""Invalid HR files are refused with the file, the line and the column, and never with the value."""

from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from lakehouse.errors import BadInput
from lakehouse.hr.company_files import read_company
from lakehouse.hr.full_load import full_load
from lakehouse.hr.load_options import LoadOptions
from lakehouse.settings import Settings
from support.hr_files import EMPLOYEE, employee, practice, sheet, staff, write_company_files, write_csv, write_workbook

SECRET = "Zanzibar 98765"


def refusal_message(folder: Path) -> str:
    with pytest.raises(BadInput) as refused:
        read_company(folder)
    assert "Rien n'a été chargé." in str(refused.value)
    return str(refused.value)


@pytest.mark.parametrize("title", list(EMPLOYEE))
def test_a_missing_column_is_named(tmp_path: Path, title: str) -> None:
    write_company_files(tmp_path, [{name: value for name, value in EMPLOYEE.items() if name != title}])
    assert f"DonneesRH.xlsx : colonne introuvable : « {title} »" in refusal_message(tmp_path)


def test_a_missing_column_of_the_sports_file_is_named(tmp_path: Path) -> None:
    write_company_files(tmp_path, [EMPLOYEE], [{"ID salarié": 1}])
    assert "DonneesSportive.xlsx : colonne introuvable : « Pratique d'un sport »" in refusal_message(tmp_path)


def test_duplicate_column_is_named(tmp_path: Path) -> None:
    write_company_files(tmp_path, [{**EMPLOYEE, "SALAIRE BRUT": 1}])
    assert "DonneesRH.xlsx, ligne 1 : colonne en double : « Salaire brut »" in refusal_message(tmp_path)


@pytest.mark.parametrize(
    ("fields", "column", "reason"),
    [
        ({"id": SECRET}, "ID salarié", "pas un nombre entier"),
        ({"id": 12.5}, "ID salarié", "pas un nombre entier"),
        ({"id": True}, "ID salarié", "pas un nombre entier"),
        ({"id": "59019 60000"}, "ID salarié", "pas un nombre entier"),
        ({"id": 2**31}, "ID salarié", "nombre trop grand"),
        ({"id": None}, "ID salarié", "vide"),
        ({"nom": " "}, "Nom", "vide"),
        ({"salaire": SECRET}, "Salaire brut", "pas un nombre"),
        ({"salaire": "45000 50000"}, "Salaire brut", "pas un nombre"),
        ({"salaire": "nan"}, "Salaire brut", "pas un nombre"),
        ({"salaire": True}, "Salaire brut", "pas un nombre"),
        ({"salaire": "98.765"}, "Salaire brut", "nombre ambigu"),
        ({"salaire": "98,765 €"}, "Salaire brut", "nombre ambigu"),
        ({"salaire": -98765}, "Salaire brut", "nombre négatif"),
        ({"salaire": "-98 765 €"}, "Salaire brut", "nombre négatif"),
        ({"salaire": 98765e9}, "Salaire brut", "nombre trop grand"),
        ({"salaire": None}, "Salaire brut", "vide"),
        ({"naissance": SECRET}, "Date de naissance", "pas une date"),
        ({"naissance": "31/02/1990"}, "Date de naissance", "ce jour n'existe pas"),
        ({"naissance": "12/25/1990"}, "Date de naissance", "ce jour n'existe pas"),
        ({"naissance": "1/1/90"}, "Date de naissance", "pas une date"),
        ({"naissance": "1/1/0190"}, "Date de naissance", "date hors de 1900 à 2100"),
        ({"cp": "25,5"}, "Nombre de jours de CP", "pas un nombre entier"),
        ({"adresse": "#REF!"}, "Adresse du domicile", "erreur de formule"),
    ],
)
def test_a_cell_that_cannot_be_read_is_named_and_not_shown(
    tmp_path: Path, fields: dict[str, Any], column: str, reason: str
) -> None:
    message = refusal_message(write_company_files(tmp_path, [employee(id=2), employee(id=3), employee(**fields)]))
    assert message.startswith(f"DonneesRH.xlsx, ligne 4, colonne « {column} » : {reason}")
    assert "98" not in message
    assert "Zanzibar" not in message


def test_hire_date_before_birth_date_is_refused_with_its_line(tmp_path: Path) -> None:
    typo = employee(id=3, naissance="2068-03-12")
    message = refusal_message(write_company_files(tmp_path, [employee(id=2), typo, employee(id=4, naissance=None)]))
    assert message.startswith("DonneesRH.xlsx, ligne 3, colonne « Date d'embauche » : avant la date de naissance.")
    assert "68" not in message


def test_duplicate_employee_id_is_named_with_both_lines(tmp_path: Path) -> None:
    message = refusal_message(write_company_files(tmp_path, [employee(id=7), employee(id=8), employee(id="7.0")]))
    assert "DonneesRH.xlsx, ligne 4, colonne « ID salarié » : en double (déjà ligne 2)" in message


def test_duplicate_id_in_the_sports_file_is_named(tmp_path: Path) -> None:
    message = refusal_message(write_company_files(tmp_path, [EMPLOYEE], [practice(1, "Judo"), practice(1, "Boxe")]))
    assert "DonneesSportive.xlsx, ligne 3, colonne « ID salarié » : en double (déjà ligne 2)" in message


def test_all_problems_are_reported_at_once_by_line(tmp_path: Path) -> None:
    message = refusal_message(
        write_company_files(tmp_path, [employee(salaire="x", naissance="x"), *staff(30), *staff(30)])
    )
    lines = message.splitlines()
    assert lines[0].startswith("DonneesRH.xlsx, ligne 2, colonne « Date de naissance »")
    assert lines[1].startswith("DonneesRH.xlsx, ligne 2, colonne « Salaire brut »")
    assert lines[20] == "… et 12 de plus"
    assert len(lines) == 22


def test_an_address_with_an_unquoted_delimiter_is_not_read_as_two_columns(tmp_path: Path) -> None:
    lines = sheet([employee(id=1), employee(id=2)])
    file = write_csv(tmp_path / "RH.csv", lines, ",")
    file.write_text(file.read_text(encoding="utf-8").replace('"', ""), encoding="utf-8")
    write_csv(tmp_path / "sport.csv", sheet([practice(1, "Judo")]))
    assert "RH.csv, ligne 2 : plus de valeurs que de colonnes" in refusal_message(tmp_path)


def test_truncated_csv_line_is_refused(tmp_path: Path) -> None:
    lines = sheet([employee(id=1), employee(id=2)])
    write_csv(tmp_path / "RH.csv", [*lines[:2], lines[2][:9]])
    write_csv(tmp_path / "sport.csv", sheet([practice(1, "Judo")]))
    assert "RH.csv, ligne 3 : moins de valeurs que de colonnes" in refusal_message(tmp_path)


def _write_broken_workbook(file: Path) -> None:
    file.write_bytes(b"PK\x03\x04 cut off")


def _write_empty_file(file: Path) -> None:
    file.write_bytes(b"")


@pytest.mark.parametrize("write_file", [_write_broken_workbook, _write_empty_file])
def test_a_workbook_that_cannot_be_opened_is_named(tmp_path: Path, write_file: Callable[[Path], None]) -> None:
    write_company_files(tmp_path, [EMPLOYEE])
    write_file(tmp_path / "DonneesRH.xlsx")
    assert "DonneesRH.xlsx : illisible" in refusal_message(tmp_path)


@pytest.mark.parametrize(("content", "reason"), [(b"\x81\x8d\x8f", "illisible"), (b"", "colonne introuvable")])
def test_a_csv_that_cannot_be_read_is_named(tmp_path: Path, content: bytes, reason: str) -> None:
    write_company_files(tmp_path, [EMPLOYEE])
    (tmp_path / "DonneesRH.xlsx").unlink()
    (tmp_path / "RH.csv").write_bytes(content)
    message = refusal_message(tmp_path)
    assert message.startswith("RH.csv")
    assert reason in message


@pytest.mark.parametrize(("missing_file", "kind"), [("DonneesRH.xlsx", "RH"), ("DonneesSportive.xlsx", "sports")])
def test_missing_file_is_named(tmp_path: Path, missing_file: str, kind: str) -> None:
    (write_company_files(tmp_path, [EMPLOYEE]) / missing_file).unlink()
    message = refusal_message(tmp_path)
    assert "introuvable" in message
    assert kind in message


def test_missing_folder_is_named(tmp_path: Path) -> None:
    assert "dossier introuvable" in refusal_message(tmp_path / "nowhere")


def test_two_files_that_match_are_both_named(tmp_path: Path) -> None:
    write_company_files(tmp_path, [EMPLOYEE])
    write_csv(tmp_path / "rh_2025.csv", sheet([EMPLOYEE]))
    assert "plusieurs fichiers RH (*RH*) : DonneesRH.xlsx, rh_2025.csv" in refusal_message(tmp_path)


def test_hr_file_without_employees_is_refused(tmp_path: Path) -> None:
    write_company_files(tmp_path, [EMPLOYEE])
    write_workbook(tmp_path / "DonneesRH.xlsx", [list(EMPLOYEE)])
    assert "DonneesRH.xlsx : aucun salarié" in refusal_message(tmp_path)


def test_unclosed_quote_in_a_csv_is_refused(tmp_path: Path) -> None:
    write_company_files(tmp_path, [EMPLOYEE])
    (tmp_path / "DonneesRH.xlsx").unlink()
    file = write_csv(tmp_path / "RH.csv", sheet([employee(nom="Mendes"), *staff(3)]))
    file.write_text(file.read_text(encoding="utf-8").replace("Mendes", '"Mendes', 1), encoding="utf-8")
    assert "RH.csv, ligne 5 : guillemets mal fermés" in refusal_message(tmp_path)


def test_effective_date_in_the_future_is_refused(tmp_path: Path) -> None:
    options = LoadOptions(folder=tmp_path, effective_from=date(2026, 9, 1))
    expected = r"--effective-from 2026-09-01 : le 01/09/2026 est à venir, nous sommes le 31/08/2026\. Rien n'est chargé"
    with pytest.raises(BadInput, match=expected):
        list(full_load(Settings.model_construct(), options, today=date(2026, 8, 31)))
