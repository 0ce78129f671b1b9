"""Trailing delimiters that a spreadsheet leaves out are a blank sport, and never a commute that is blank."""

from pathlib import Path

import pytest

from lakehouse.hr.company_files import read_company
from support.hr_files import EMPLOYEE, employee, sheet, staff, write_csv, write_workbook
from support.hr_workbooks import refusal

CUT = "moins de valeurs que de colonnes"
WORD = "écrivez « aucun » dans « Moyen de déplacement » si la personne n'en a pas"


def write_sports(folder: Path, *lines: str, delimiter: str = ";") -> Path:
    write_workbook(folder / "DonneesRH.xlsx", sheet(staff(40)))
    (folder / "sport.csv").write_text("\r\n".join(lines).replace(";", delimiter), encoding="utf-8")
    return folder


@pytest.mark.parametrize("delimiter", [";", ",", "\t"])
def test_line_of_the_sports_file_without_its_last_delimiter_is_a_blank_sport(tmp_path: Path, delimiter: str) -> None:
    block = [str(number) for number in range(16, 41)]
    lines = ["ID salarié;Pratique d'un sport", *(f"{number};Tennis" for number in range(1, 16)), *block]
    practices = read_company(write_sports(tmp_path, *lines, delimiter=delimiter)).practices
    assert practices["pratique_sport"].tolist() == ["Tennis"] * 15 + [None] * 25
    assert practices["id"].tolist() == list(range(1, 41))


@pytest.mark.parametrize(
    "lines",
    [
        ("ID salarié;Pratique d'un sport;Notes", "1;Tennis;x", "2;;", "3;", "4"),
        ("Service;ID salarié;Pratique d'un sport", "a;1;Tennis", "a;2;", "a;3", "a;4"),
        ("sep=;", "ID salarié;Notes;Pratique d'un sport", "1;;Tennis", "2;", "3", "4;note"),
    ],
)
def test_line_is_cut_before_or_behind_other_columns(tmp_path: Path, lines: tuple[str, ...]) -> None:
    practices = read_company(write_sports(tmp_path, *lines)).practices
    assert practices["pratique_sport"].tolist() == ["Tennis", None, None, None]


def test_line_of_the_sports_file_that_lacks_its_id_is_refused(tmp_path: Path) -> None:
    message = refusal(write_sports(tmp_path, "Pratique d'un sport;ID salarié", "Tennis;1", "Judo"))
    assert f"sport.csv, ligne 3 : {CUT}" in message


def test_line_of_the_sports_file_with_more_values_is_refused(tmp_path: Path) -> None:
    message = refusal(write_sports(tmp_path, "ID salarié;Pratique d'un sport", "1;Tennis;Judo"))
    assert "sport.csv, ligne 2 : plus de valeurs que de colonnes" in message


@pytest.mark.parametrize("values", [10, 9, 2, 1])
def test_cut_off_line_of_the_hr_file_is_refused_with_the_word_for_none(tmp_path: Path, values: int) -> None:
    lines = sheet(staff(3))
    write_csv(tmp_path / "RH.csv", [*lines[:2], lines[2][:values], lines[3]])
    write_csv(tmp_path / "sport.csv", [["ID salarié", "Pratique d'un sport"], [1, "Judo"]])
    message = refusal(tmp_path)
    assert message.startswith(f"RH.csv, ligne 3 : {CUT}")
    assert WORD in message


def test_cut_off_line_of_the_hr_file_is_refused_in_any_order_and_with_more_columns(tmp_path: Path) -> None:
    lines = [[*line[::-1], "Notes"] for line in sheet(staff(3))]
    write_csv(tmp_path / "RH.csv", [*lines[:2], lines[2][:-1], lines[3]])
    write_csv(tmp_path / "sport.csv", [["ID salarié", "Pratique d'un sport"], [1, "Judo"]])
    assert f"RH.csv, ligne 3 : {CUT}" in refusal(tmp_path)


@pytest.mark.parametrize("order", [1, -1])
def test_line_that_ends_behind_the_last_title_is_read(tmp_path: Path, order: int) -> None:
    header, first, second, third = [line[::order] for line in sheet(staff(3))]
    write_csv(tmp_path / "RH.csv", [[*header, "", "", ""], [*first, "", "", ""], second, [*third, ""]])
    write_csv(tmp_path / "sport.csv", [["ID salarié", "Pratique d'un sport"], [1, "Judo"]])
    assert read_company(tmp_path).employees["moyen_deplacement"].tolist() == ["Marche/running"] * 3


def test_line_that_lost_a_delimiter_is_refused_also_before_columns_without_a_title(tmp_path: Path) -> None:
    header, first, second = sheet(staff(2))
    joined = [*second[:-2], f"{second[-2]} {second[-1]}", ""]
    write_csv(tmp_path / "RH.csv", [[*header, ""], [*first, ""], joined])
    write_csv(tmp_path / "sport.csv", [["ID salarié", "Pratique d'un sport"], [1, "Judo"]])
    assert f"RH.csv, ligne 3 : {CUT}" in refusal(tmp_path)


@pytest.mark.parametrize("word", ["aucun", "Aucun", " AUCUN "])
def test_the_word_for_none_is_read_as_no_commute_without_a_remark(tmp_path: Path, word: str) -> None:
    write_workbook(tmp_path / "DonneesRH.xlsx", sheet([employee(moyen=word), employee(id=2)]))
    write_csv(tmp_path / "sport.csv", [["ID salarié", "Pratique d'un sport"], [1, "Judo"]])
    company = read_company(tmp_path)
    assert company.employees["moyen_deplacement"].tolist() == [None, EMPLOYEE["Moyen de déplacement"]]
    assert company.remarks == []
