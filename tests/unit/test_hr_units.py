"""A business unit that is typed in several ways is one unit in the figures, and two units stay two."""

import unicodedata
from pathlib import Path

import pytest

from lakehouse.hr.business_units import choose_spellings, fold_unit
from lakehouse.hr.company_files import Company, read_company
from support.hr_files import employee, write_company_files


def read_units(folder: Path, *units: object) -> Company:
    rows = [employee(id=number, unite=unit) for number, unit in enumerate(units, start=1)]
    return read_company(write_company_files(folder, rows))


@pytest.mark.parametrize(
    "typed",
    [
        "VENTES EN LIGNE",
        "ventes en ligne",
        "  Ventes  en\u00a0ligne ",
        "Ventes\nen ligne",
        "Ventes en-ligne",
        "Véntes en ligne",
        "Ventes en ligne.",
        "Ventes\u202fen ligne",
        "Ventes en\u200b ligne",
        "\uff36entes en ligne",
    ],
)
def test_unit_typed_otherwise_is_loaded_as_most_rows_spell_it(tmp_path: Path, typed: str) -> None:
    company = read_units(tmp_path, typed, "Ventes en ligne", "Ventes en ligne", "Achats")
    assert company.employees["business_unit"].tolist() == ["Ventes en ligne"] * 3 + ["Achats"]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Ventes", "Vente"),
        ("Zone 1", "Zone 11"),
        ("Équipe C", "Équipe C++"),
        ("Équipe C#", "Équipe C++"),
        ("R&D", "RD"),
        ("東京", "大阪"),
        ("Αθήνα", "Πάτρα"),
        ("Москва", "Киев"),
        ("-", "?"),
        ("Nord", "Nord Est"),
    ],
)
def test_different_units_do_not_fold_alike(one: str, other: str) -> None:
    assert fold_unit(one) != fold_unit(other)


@pytest.mark.parametrize(
    ("typed", "other"),
    [
        ("R&D", "r & d"),
        ("Recherche/Développement", "recherche / developpement"),
        ("L’Atelier", "l'atelier"),
        ("Cœur de ville", "COEUR DE VILLE"),
        ("Économie", unicodedata.normalize("NFD", "économie")),
        ("ΑΘΉΝΑ", "Αθήνα"),
    ],
)
def test_spellings_of_one_unit_fold_alike(typed: str, other: str) -> None:
    assert fold_unit(typed) == fold_unit(other)


def test_blank_unit_stays_blank(tmp_path: Path) -> None:
    company = read_units(tmp_path, None, "VENTES", " ", "Ventes", "Ventes")
    assert company.employees["business_unit"].tolist() == [None, "Ventes", None, "Ventes", "Ventes"]


@pytest.mark.parametrize(
    ("spellings", "chosen"),
    [
        (["VENTES", "Ventes", "ventes"], "Ventes"),
        (["ventes", "VENTES"], "ventes"),
        (["Economie", "Économie", "ECONOMIE"], "Économie"),
        (["VENTES", "VENTES", "Ventes"], "VENTES"),
    ],
)
def test_chosen_spelling_does_not_depend_on_the_order_of_rows(spellings: list[str], chosen: str) -> None:
    assert set(choose_spellings(spellings).values()) == {chosen}
    assert set(choose_spellings(reversed(spellings)).values()) == {chosen}


def test_remark_names_the_lines_and_no_unit(tmp_path: Path) -> None:
    company = read_units(tmp_path, "Ventes", "VENTES", "ventes", "Ventes ", "Achats", "ACHATS", "Achats")
    advice = "écrite autrement (majuscules, accents, espaces ou ponctuation). Elle est chargée comme à la ligne"
    assert company.remarks == [
        f"DonneesRH.xlsx, lignes 3 et 4, colonne « BU » : la même unité qu'à la ligne 2, {advice} 2.",
        f"DonneesRH.xlsx, ligne 7, colonne « BU » : la même unité qu'à la ligne 6, {advice} 6.",
    ]


def test_stray_spaces_alone_are_no_remark(tmp_path: Path) -> None:
    assert read_units(tmp_path, "Ventes", " Ventes ", "Ventes\u00a0").remarks == []


def test_remark_on_many_lines_names_the_first_and_counts_the_rest(tmp_path: Path) -> None:
    (remark,) = read_units(tmp_path, *["VENTES"] * 30, *["Ventes"] * 31).remarks
    assert "lignes 2, 3, " in remark
    assert ", 21 et 10 de plus, colonne" in remark
