"""Merged blocks are refused, hidden rows and columns are read and counted, hidden sheets are left out and named."""

from pathlib import Path

import pytest

from lakehouse.hr.company_files import read_company
from support.hr_files import EMPLOYEE, employee, staff
from support.hr_workbooks import employees, hr_rows, refusal, remarks, write_hr_workbook
from support.raw_workbook import RawSheet

UNMERGE = "défusionnez-les dans Excel et écrivez la valeur sur chaque ligne"
THREE_AND_ONE = (
    "4 colonnes masquées, lues comme les autres : "
    "« BU », « Nombre de jours de CP », « Adresse du domicile », « Moyen de déplacement »"
)
OLD = RawSheet(hr_rows(employee(salaire=40000)), "2024", "hidden")
NEW = RawSheet(hr_rows(employee(salaire=50000)), "2025")


@pytest.mark.parametrize(
    ("block", "line", "columns"),
    [
        ("E2:E5", 2, ["BU"]),
        ("J3:J4", 3, ["Adresse du domicile"]),
        ("K3:K4", 3, ["Moyen de déplacement"]),
        ("J4:K4", 4, ["Adresse du domicile", "Moyen de déplacement"]),
        ("A1:A2", 2, ["ID salarié"]),
        ("G5:G1048576", 5, ["Salaire brut"]),
        ("B2:C2", 2, ["Nom", "Prénom"]),
        ("I:I", 2, ["Nombre de jours de CP"]),
    ],
)
def test_merged_block_over_data_rows_is_refused(tmp_path: Path, block: str, line: int, columns: list[str]) -> None:
    message = refusal(write_hr_workbook(tmp_path, RawSheet(hr_rows(*staff(4)), merged=[block])))
    for column in columns:
        assert (
            f"DonneesRH.xlsx, ligne {line}, colonne « {column} » : cellules fusionnées ({block}) : {UNMERGE}" in message
        )
    assert message.count("cellules fusionnées") == len(columns)


def test_merged_block_is_named_by_the_columns_where_they_stand(tmp_path: Path) -> None:
    rows: list[list[object]] = [["Extrait"], [], *hr_rows(*staff(3), order=-1)]
    message = refusal(write_hr_workbook(tmp_path, RawSheet(rows, merged=["A4:A6"])))
    assert message.startswith("DonneesRH.xlsx, ligne 4, colonne « Moyen de déplacement » : cellules fusionnées (A4:A6)")


@pytest.mark.parametrize("merged", [["A1:D1", "E1:K1"], ["L3:M9"], ["A7:K8"], ["K3"], ["L1:L5"]])
def test_merged_block_elsewhere_is_read(tmp_path: Path, merged: list[str]) -> None:
    titles: list[object] = ["Identité", None, None, None, "Contrat"]
    rows = [titles, *hr_rows(*staff(3)), []]
    assert len(read_company(write_hr_workbook(tmp_path, RawSheet(rows, merged=merged))).employees) == 3


@pytest.mark.parametrize("state", ["hidden", "veryHidden"])
@pytest.mark.parametrize("first", [True, False])
def test_hidden_sheet_is_left_out_and_named(tmp_path: Path, state: str, first: bool) -> None:
    old = RawSheet(OLD.rows, "2024", state)
    folder = write_hr_workbook(tmp_path, *([old, NEW] if first else [NEW, old]))
    company = read_company(folder)
    assert [row["salaire_brut"] for row in employees(company)] == [50000]
    assert remarks(company) == ["DonneesRH.xlsx : 1 feuille masquée, non lue : « 2024 »."]


def test_file_whose_only_sheet_with_the_columns_is_hidden_is_refused(tmp_path: Path) -> None:
    message = refusal(write_hr_workbook(tmp_path, RawSheet([["Notes"]], "Notes"), OLD))
    assert "colonne introuvable" in message
    assert "Une feuille masquée n'est pas lue (« 2024 ») : affichez-la si c'est elle." in message


@pytest.mark.parametrize("order", [1, -1])
def test_two_visible_sheets_that_fit_are_refused_like_two_files(tmp_path: Path, order: int) -> None:
    other = RawSheet([["Extrait"], *hr_rows(employee(), order=order)], "2024 & avant")
    message = refusal(write_hr_workbook(tmp_path, other, RawSheet([["Notes"]], "Notes"), NEW))
    assert "DonneesRH.xlsx : plusieurs feuilles conviennent : « 2024 & avant », « 2025 »." in message


def test_charts_are_no_sheets(tmp_path: Path) -> None:
    chart = RawSheet([], "Graphique", kind="chartsheet")
    hidden_chart = RawSheet([], "Graphique 2", "hidden", kind="chartsheet")
    company = read_company(write_hr_workbook(tmp_path, chart, NEW, hidden_chart))
    assert len(company.employees) == 1
    assert remarks(company) == []


@pytest.mark.parametrize(
    "attributes",
    ['hidden="1"', 'hidden="true"', 'hidden="1" outlineLevel="1"', 'hidden="1" outlineLevel="2" collapsed="1"',
     'ht="0" customHeight="1"'],
)  # fmt: skip
def test_hidden_rows_are_read_and_counted(tmp_path: Path, attributes: str) -> None:
    hidden = RawSheet(hr_rows(*staff(4)), row_attributes={3: attributes, 5: attributes, 9: attributes})
    company = read_company(write_hr_workbook(tmp_path, hidden))
    assert len(company.employees) == 4
    assert remarks(company) == ["DonneesRH.xlsx : 2 lignes masquées, lues comme les autres (lignes 3, 5)."]


def test_rows_of_a_sheet_that_hides_them_by_default_are_counted(tmp_path: Path) -> None:
    folded = RawSheet(
        hr_rows(*staff(2)),
        before='<sheetFormatPr defaultRowHeight="15" zeroHeight="1"/>',
        row_attributes={2: 'ht="15"'},
    )
    company = read_company(write_hr_workbook(tmp_path, folded))
    assert remarks(company) == ["DonneesRH.xlsx : 1 ligne masquée, lue comme les autres (ligne 3)."]


def test_many_hidden_rows_are_counted_and_some_named(tmp_path: Path) -> None:
    attributes = dict.fromkeys(range(2, 60), 'hidden="1"')
    company = read_company(write_hr_workbook(tmp_path, RawSheet(hr_rows(*staff(50)), row_attributes=attributes)))
    assert remarks(company) == ["DonneesRH.xlsx : 50 lignes masquées, lues comme les autres (lignes 2, 3, 4, 5, 6…)."]


@pytest.mark.parametrize(
    ("columns", "titles"),
    [
        ('<col min="5" max="5" hidden="1"/>', "1 colonne masquée, lue comme les autres : « BU »"),
        ('<col min="9" max="11" width="0"/><col min="5" max="5" hidden="true"/>', THREE_AND_ONE),
        ('<col min="1" max="4" width="9"/><col min="12" max="16384" hidden="1"/>', None),
    ],
)  # fmt: skip
def test_hidden_columns_are_read_and_counted(tmp_path: Path, columns: str, titles: str | None) -> None:
    company = read_company(write_hr_workbook(tmp_path, RawSheet(hr_rows(EMPLOYEE), before=f"<cols>{columns}</cols>")))
    assert employees(company)[0]["business_unit"] == "Ventes"
    assert remarks(company) == ([f"DonneesRH.xlsx : {titles}."] if titles else [])


def test_protected_sheet_is_read(tmp_path: Path) -> None:
    protected = RawSheet(hr_rows(EMPLOYEE), before='<sheetProtection sheet="1" password="CC1A"/>')
    assert len(read_company(write_hr_workbook(tmp_path, protected)).employees) == 1
