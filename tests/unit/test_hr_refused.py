"""What cannot be read right is refused, with the file, the line and the column, and never with the value."""

from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from hr_files import EMPLOYEE, company, csv_file, employee, practice, sheet, staff, workbook
from lakehouse.errors import BadInput
from lakehouse.settings import Settings
from lakehouse.source.full_load import Order, full_load
from lakehouse.source.hr.company import read_company

SECRET = "Zanzibar 98765"


def refusal(folder: Path) -> str:
    with pytest.raises(BadInput) as refused:
        read_company(folder)
    assert "Rien n'a été chargé." in str(refused.value)
    return str(refused.value)


@pytest.mark.parametrize("title", list(EMPLOYEE))
def test_a_missing_column_is_named(tmp_path: Path, title: str) -> None:
    company(tmp_path, [{name: value for name, value in EMPLOYEE.items() if name != title}])
    assert f"DonneesRH.xlsx : colonne introuvable : « {title} »" in refusal(tmp_path)


def test_a_missing_column_of_the_sports_file_is_named(tmp_path: Path) -> None:
    company(tmp_path, [EMPLOYEE], [{"ID salarié": 1}])
    assert "DonneesSportive.xlsx : colonne introuvable : « Pratique d'un sport »" in refusal(tmp_path)


def test_a_column_that_is_there_twice_is_named(tmp_path: Path) -> None:
    company(tmp_path, [{**EMPLOYEE, "SALAIRE BRUT": 1}])
    assert "DonneesRH.xlsx, ligne 1 : colonne en double : « Salaire brut »" in refusal(tmp_path)


@pytest.mark.parametrize(
    ("changed", "column", "reason"),
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
    tmp_path: Path, changed: dict[str, Any], column: str, reason: str
) -> None:
    told = refusal(company(tmp_path, [employee(id=2), employee(id=3), employee(**changed)]))
    assert told.startswith(f"DonneesRH.xlsx, ligne 4, colonne « {column} » : {reason}")
    assert "98" not in told
    assert "Zanzibar" not in told


def test_who_is_hired_before_birth_is_named_by_line(tmp_path: Path) -> None:
    typo = employee(id=3, naissance="2068-03-12")
    told = refusal(company(tmp_path, [employee(id=2), typo, employee(id=4, naissance=None)]))
    assert told.startswith("DonneesRH.xlsx, ligne 3, colonne « Date d'embauche » : avant la date de naissance.")
    assert "68" not in told


def test_an_id_that_is_there_twice_is_named_with_both_lines(tmp_path: Path) -> None:
    told = refusal(company(tmp_path, [employee(id=7), employee(id=8), employee(id="7.0")]))
    assert "DonneesRH.xlsx, ligne 4, colonne « ID salarié » : en double (déjà ligne 2)" in told


def test_an_id_that_is_twice_in_the_sports_file_is_named(tmp_path: Path) -> None:
    told = refusal(company(tmp_path, [EMPLOYEE], [practice(1, "Judo"), practice(1, "Boxe")]))
    assert "DonneesSportive.xlsx, ligne 3, colonne « ID salarié » : en double (déjà ligne 2)" in told


def test_all_problems_are_told_at_once_by_line(tmp_path: Path) -> None:
    told = refusal(company(tmp_path, [employee(salaire="x", naissance="x"), *staff(30), *staff(30)]))
    lines = told.splitlines()
    assert lines[0].startswith("DonneesRH.xlsx, ligne 2, colonne « Date de naissance »")
    assert lines[1].startswith("DonneesRH.xlsx, ligne 2, colonne « Salaire brut »")
    assert lines[20] == "… et 12 de plus"
    assert len(lines) == 22


def test_an_address_with_an_unquoted_delimiter_is_not_taken_for_two_columns(tmp_path: Path) -> None:
    lines = sheet([employee(id=1), employee(id=2)])
    file = csv_file(tmp_path / "RH.csv", lines, ",")
    file.write_text(file.read_text(encoding="utf-8").replace('"', ""), encoding="utf-8")
    csv_file(tmp_path / "sport.csv", sheet([practice(1, "Judo")]))
    assert "RH.csv, ligne 2 : plus de valeurs que de colonnes" in refusal(tmp_path)


def test_a_line_that_was_cut_off_is_not_loaded(tmp_path: Path) -> None:
    lines = sheet([employee(id=1), employee(id=2)])
    csv_file(tmp_path / "RH.csv", [*lines[:2], lines[2][:9]])
    csv_file(tmp_path / "sport.csv", sheet([practice(1, "Judo")]))
    assert "RH.csv, ligne 3 : moins de valeurs que de colonnes" in refusal(tmp_path)


def _not_a_workbook(file: Path) -> None:
    file.write_bytes(b"PK\x03\x04 cut off")


def _an_empty_file(file: Path) -> None:
    file.write_bytes(b"")


@pytest.mark.parametrize("broken", [_not_a_workbook, _an_empty_file])
def test_a_workbook_that_cannot_be_opened_is_named(tmp_path: Path, broken: Callable[[Path], None]) -> None:
    company(tmp_path, [EMPLOYEE])
    broken(tmp_path / "DonneesRH.xlsx")
    assert "DonneesRH.xlsx : illisible" in refusal(tmp_path)


@pytest.mark.parametrize(("content", "reason"), [(b"\x81\x8d\x8f", "illisible"), (b"", "colonne introuvable")])
def test_a_csv_that_cannot_be_read_is_named(tmp_path: Path, content: bytes, reason: str) -> None:
    company(tmp_path, [EMPLOYEE])
    (tmp_path / "DonneesRH.xlsx").unlink()
    (tmp_path / "RH.csv").write_bytes(content)
    told = refusal(tmp_path)
    assert told.startswith("RH.csv")
    assert reason in told


@pytest.mark.parametrize(("gone", "what"), [("DonneesRH.xlsx", "RH"), ("DonneesSportive.xlsx", "sports")])
def test_a_file_that_is_not_there_is_asked_for(tmp_path: Path, gone: str, what: str) -> None:
    (company(tmp_path, [EMPLOYEE]) / gone).unlink()
    told = refusal(tmp_path)
    assert "introuvable" in told
    assert what in told


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    assert "dossier introuvable" in refusal(tmp_path / "nowhere")


def test_two_files_that_match_are_both_named(tmp_path: Path) -> None:
    company(tmp_path, [EMPLOYEE])
    csv_file(tmp_path / "rh_2025.csv", sheet([EMPLOYEE]))
    assert "plusieurs fichiers RH (*RH*) : DonneesRH.xlsx, rh_2025.csv" in refusal(tmp_path)


def test_a_file_without_employees_does_not_mean_that_all_have_left(tmp_path: Path) -> None:
    company(tmp_path, [EMPLOYEE])
    workbook(tmp_path / "DonneesRH.xlsx", [list(EMPLOYEE)])
    assert "DonneesRH.xlsx : aucun salarié" in refusal(tmp_path)


def test_a_quote_that_is_never_closed_does_not_swallow_the_rest(tmp_path: Path) -> None:
    company(tmp_path, [EMPLOYEE])
    (tmp_path / "DonneesRH.xlsx").unlink()
    file = csv_file(tmp_path / "RH.csv", sheet([employee(nom="Mendes"), *staff(3)]))
    file.write_text(file.read_text(encoding="utf-8").replace("Mendes", '"Mendes', 1), encoding="utf-8")
    assert "RH.csv, ligne 5 : guillemets mal fermés" in refusal(tmp_path)


def test_changes_of_a_day_to_come_are_refused_for_todays_figures_would_have_them_at_once(tmp_path: Path) -> None:
    order = Order(folder=tmp_path, effective_from=date(2999, 1, 1))
    with pytest.raises(BadInput, match=r"--effective-from .* : ce jour est à venir.*Rien n'est chargé"):
        list(full_load(Settings.model_construct(), order))
