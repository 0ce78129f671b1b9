"""Cells are read as Excel shows them, however a program writes them."""

import re
from datetime import date
from pathlib import Path

import pytest

from lakehouse.hr.company_files import read_company
from lakehouse.hr.shared_strings import unescape
from support.hr_files import EMPLOYEE, employee, staff
from support.hr_workbooks import employees, hr_rows, refusal, values, write_hr_workbook
from support.raw_workbook import DATE_STYLE, Raw, RawSheet

BORN = "Date de naissance"


def shared(index: int) -> Raw:
    return Raw(f"<v>{index}</v>", "s")


def read_one(folder: Path, title: str, cell: object, **options: object) -> object:
    """Return how a cell in a column of these titles is read."""
    fields = {"BU": "business_unit", BORN: "date_naissance", "ID salarié": "id", "Nom": "nom"}
    fields |= {"Salaire brut": "salaire_brut", "Adresse du domicile": "adresse_complete"}
    row = {**EMPLOYEE, title: cell}
    return values(write_hr_workbook(folder, RawSheet(hr_rows(row)), **options), fields[title])[2]


@pytest.mark.parametrize(
    ("item", "text"),
    [
        ("<t>Ventes</t>", "Ventes"),
        ('<t xml:space="preserve"> Ventes </t>', "Ventes"),
        ("<r><rPr><b/></rPr><t>Ven</t></r><r><t>tes</t></r>", "Ventes"),
        ('<t>東京</t><rPh sb="0" eb="2"><t>トウキョウ</t></rPh><phoneticPr fontId="1"/>', "東京"),
        ('<r><t>東</t></r><rPh sb="0" eb="1"><t>ト</t></rPh><r><t>京</t></r>', "東京"),
        ("<t>Ventes_x000D_\nNord</t>", "Ventes Nord"),
        ("<t>_x005F_x000D_</t>", "_x000D_"),
        ("<t>Ventes_x0007_</t>", "Ventes"),
        ("<t>_xD83D__xDE00_</t>", "😀"),
        ("<t>R&amp;D &#233;t&#xE9;</t>", "R&D été"),
        ("<t/>", None),
        ("<t>_x000D_</t>", None),
        ("", None),
    ],
)
def test_text_is_read_from_runs_without_phonetic_guides_and_escapes(
    tmp_path: Path, item: str, text: str | None
) -> None:
    assert read_one(tmp_path, "BU", shared(0), shared=[item]) == text
    assert read_one(tmp_path, "BU", Raw(f"<is>{item}</is>", "inlineStr")) == text


@pytest.mark.parametrize("index", ["1", "-1", "x", "4294967296", "99999999999999999999"])
def test_text_that_the_workbook_does_not_have_is_refused(tmp_path: Path, index: str) -> None:
    cell = Raw(f"<v>{index}</v>", "s")
    folder = write_hr_workbook(tmp_path, RawSheet(hr_rows({**EMPLOYEE, "BU": cell})), shared=["<t>a</t>"])
    assert "ligne 2, colonne « BU » : texte absent du classeur" in refusal(folder)


@pytest.mark.parametrize("escape", ["_xD800_", "_xDE00_x", "_x0000_"])
def test_half_a_character_is_refused(tmp_path: Path, escape: str) -> None:
    folder = write_hr_workbook(tmp_path, RawSheet(hr_rows({**EMPLOYEE, "BU": f"Ventes{escape}"})))
    assert "ligne 2, colonne « BU » : caractère illisible" in refusal(folder)


def test_escapes_are_read_once() -> None:
    assert unescape("_x005F_x005F__x000A_x_x00_") == "_x005F_\nx_x00_"


def test_a_text_longer_than_a_cell_is_refused_where_it_is_read(tmp_path: Path) -> None:
    for text in ("<t>é</t>", f"<t>{'é' * 32_767}</t>"):
        assert read_one(tmp_path, "Adresse du domicile", shared(0), shared=[text])
    row = {**EMPLOYEE, "Adresse du domicile": shared(0), "Notes": shared(0)}
    folder = write_hr_workbook(tmp_path, RawSheet(hr_rows(row)), shared=[f"<t>{'é' * 200_000}</t>"])
    assert "colonne « Adresse du domicile » : texte de plus de 32767 caractères" in refusal(folder)


@pytest.mark.parametrize(
    ("number", "value"), [("59019", 59019), ("59019.0", 59019), ("5.9019E4", 59019), ("1e5", 100000)]
)
def test_numbers_are_read_in_every_notation(tmp_path: Path, number: str, value: int) -> None:
    assert read_one(tmp_path, "ID salarié", Raw(f"<v>{number}</v>")) == value


@pytest.mark.parametrize("number", ["NaN", "INF", "1e999", "1_000", "0x10", "１２", "1,5", "9" * 5_000])
def test_number_that_is_none_is_refused(tmp_path: Path, number: str) -> None:
    folder = write_hr_workbook(tmp_path, RawSheet(hr_rows({**EMPLOYEE, "ID salarié": Raw(f"<v>{number}</v>")})))
    assert "DonneesRH.xlsx, ligne 2, colonne « ID salarié » : " in refusal(folder)


@pytest.mark.parametrize("title", ["ID salarié", "BU", "Salaire brut", "Moyen de déplacement", BORN])
@pytest.mark.parametrize("value", [True, False])
def test_boolean_is_refused_in_every_column(tmp_path: Path, title: str, value: bool) -> None:
    folder = write_hr_workbook(tmp_path, RawSheet(hr_rows({**EMPLOYEE, title: value})))
    assert f"DonneesRH.xlsx, ligne 2, colonne « {title} » : " in refusal(folder)


@pytest.mark.parametrize(("date1904", "serial"), [(False, 33010), (True, 31548)])
@pytest.mark.parametrize("style", [0, DATE_STYLE])
def test_days_count_from_the_workbook_s_first_day(tmp_path: Path, date1904: bool, serial: int, style: int) -> None:
    cell = Raw(f"<v>{serial}</v>", style=style)
    assert read_one(tmp_path, BORN, cell, date1904=date1904) == date(1990, 5, 17)


def test_numbers_of_a_workbook_that_counts_from_1904_stay_numbers(tmp_path: Path) -> None:
    row = {**EMPLOYEE, "ID salarié": 59019.0, "Salaire brut": 52770.5, "BU": 12}
    [read] = employees(read_company(write_hr_workbook(tmp_path, RawSheet(hr_rows(row)), date1904=True)))
    assert (read["id"], str(read["salaire_brut"]), read["business_unit"]) == (59019, "52770.50", "12")


@pytest.mark.parametrize("number", [14, 15, 17, 22, 27, 28, 30, 31, 36, 50, 54, 57, 58, 71, 81])
def test_built_in_date_formats_of_any_locale_are_dates(tmp_path: Path, number: int) -> None:
    cell = Raw("<v>9999</v>", style=1)  # 1927-05-17, which is no date without a format
    assert read_one(tmp_path, BORN, cell, format_ids=(0, number)) == date(1927, 5, 17)


@pytest.mark.parametrize(
    ("code", "is_date"),
    [("dd/mm/yyyy", True), ("[$-40C]d mmmm yyyy;@", True), ('yyyy"年"m"月"d"日";@', True), ("[$-F800]dddd", True),
     ("jj/mm/aaaa", True), ("General", False), ("Standard", False), ('#,##0.00 "dhs"', False), ("0.00E+00", False),
     ("[Red]#,##0", False), ("#,##0\\ [$€-40C]", False), ("@", False)],
)  # fmt: skip
def test_custom_formats_are_dates_where_they_show_days(tmp_path: Path, code: str, is_date: bool) -> None:
    row = {**EMPLOYEE, BORN: Raw("<v>9999</v>", style=1)}
    folder = write_hr_workbook(tmp_path, RawSheet(hr_rows(row)), format_ids=(0, 164), formats={164: code})
    if is_date:
        assert values(folder, "date_naissance") == {2: date(1927, 5, 17)}
    else:
        assert f"ligne 2, colonne « {BORN} » : pas une date" in refusal(folder)


@pytest.mark.parametrize("serial", ["-1", "2958466", "1e12", "0.5"])
def test_date_that_excel_cannot_show_is_refused(tmp_path: Path, serial: str) -> None:
    folder = write_hr_workbook(tmp_path, RawSheet(hr_rows({**EMPLOYEE, BORN: Raw(f"<v>{serial}</v>", style=1)})))
    assert f"ligne 2, colonne « {BORN} » : " in refusal(folder)


def test_iso_date_cells_are_read(tmp_path: Path) -> None:
    assert read_one(tmp_path, BORN, Raw("<v>1990-05-17T00:00:00</v>", "d")) == date(1990, 5, 17)


def test_cells_and_rows_without_references_follow_one_another(tmp_path: Path) -> None:
    blank_bu = {**employee(id=2), "BU": None}
    rows = hr_rows(employee(), blank_bu, employee(id=3))
    folder = write_hr_workbook(tmp_path, RawSheet(rows, references=False))
    assert values(folder, "id") == {2: 1, 3: 2, 4: 3}
    assert values(folder, "business_unit") == {2: "Ventes", 3: None, 4: "Ventes"}


def test_elements_may_have_a_prefix(tmp_path: Path) -> None:
    plain = RawSheet(hr_rows(*staff(2)), merged=["A2:A3"]).xml()
    prefixed = re.sub(r"<(/?)(\w)", r"<\1x:\2", plain).replace("xmlns=", "xmlns:x=")
    folder = write_hr_workbook(tmp_path, RawSheet([]), parts={"xl/worksheets/sheet1.xml": prefixed})
    assert "ligne 2, colonne « ID salarié » : cellules fusionnées (A2:A3)" in refusal(folder)


@pytest.mark.parametrize("dimension", ["A1", "A1:B2", "A1:XFD1048576", "D5", "nonsense"])
def test_declared_dimension_is_not_believed(tmp_path: Path, dimension: str) -> None:
    folder = write_hr_workbook(tmp_path, RawSheet(hr_rows(*staff(5)), dimension=dimension))
    assert values(folder, "id") == {line: line - 1 for line in range(2, 7)}


@pytest.mark.parametrize(
    "rows",
    [
        '<row r="2"><c r="A2"><v>1</v></c></row>',
        '<row r="1"/>',
        '<row r="0"/>',
        '<row r="1048577"/>',
        '<row r="x"/>',
        '<row r="9"><c r="B9"/><c r="A9"/></row>',
        '<row r="9"><c r="B9"/><c r="B9"/></row>',
        '<row r="9"><c r="XFE9"/></row>',
        '<row r="9"><c r="9"/></row>',
    ],
)
def test_rows_and_cells_that_stand_for_one_another_are_refused_as_damage(tmp_path: Path, rows: str) -> None:
    folder = write_hr_workbook(tmp_path, RawSheet(hr_rows(employee()), extra_rows=rows))
    assert "DonneesRH.xlsx : illisible (abîmé" in refusal(folder)


def test_cell_of_an_unknown_type_is_refused(tmp_path: Path) -> None:
    folder = write_hr_workbook(tmp_path, RawSheet(hr_rows({**EMPLOYEE, "BU": Raw("<v>1</v>", "future")})))
    assert "ligne 2, colonne « BU » : type de cellule inconnu" in refusal(folder)
