"""Controls and marks of writing direction do not reach Slack, a view or a CSV; ambiguous ids are refused."""

import unicodedata
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lakehouse.hr.cells import Unreadable, integer, text
from lakehouse.hr.company_files import read_company
from lakehouse.hr.formulas import escape_formulas
from support.hr_files import EMPLOYEE, employee, sheet, write_company_files, write_csv

BIDIRECTIONAL = "\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
CONTROLS = "".join(map(chr, [*range(1, 9), *range(14, 28), *range(127, 133), *range(134, 160)]))
WHITE_SPACE = "\t\n\v\f\r\x1c\x1d\x1e\x1f\x85\u2028\u2029\u00a0"


@pytest.mark.parametrize("control", BIDIRECTIONAL + CONTROLS + "\u180e\u2064\u206a\ufff9\ufffe\U000e0041")
def test_control_character_is_removed(control: str) -> None:
    assert text(f"{control}Du{control}pont{control}") == "Dupont"


@pytest.mark.parametrize("space", WHITE_SPACE)
def test_control_that_is_white_space_becomes_a_space(space: str) -> None:
    assert text(f"{space}Du{space}{space}pont{space}") == "Du pont"


@given(st.text())
def test_no_text_keeps_a_control(value: str) -> None:
    try:
        cleaned = text(value) or ""
    except Unreadable:
        return
    assert not {unicodedata.category(char) for char in cleaned} & {"Cc", "Cs", "Zl", "Zp"}
    assert not set(cleaned) & set(BIDIRECTIONAL)
    assert text(escape_formulas(cleaned)) == (cleaned or None), "the cleaned CSV is read as it was loaded"


@pytest.mark.parametrize("between", ["\x1b", "\u200b", "\u202e"])
def test_broken_accents_are_found_also_around_a_control(between: str) -> None:
    with pytest.raises(Unreadable, match="accents abîmés"):
        text(f"Â{between}¡")


@pytest.mark.parametrize("value", ["שלום", "محمد", "O'Brien-Ñandú", "👍", "Anne‑Marie", "d’Été", "😀"])
def test_letters_of_any_script_stay(value: str) -> None:
    assert text(value) == value


@pytest.mark.parametrize("value", ["a\0b", "\ud800", "a\udfff", "Ren\ufffd"])
def test_nul_and_lost_characters_are_refused(value: str) -> None:
    with pytest.raises(Unreadable, match="caractère illisible"):
        text(value)


@pytest.mark.parametrize("is_csv", [True, False])
def test_controls_reach_neither_rows_nor_titles(tmp_path: Path, is_csv: bool) -> None:
    marked = {f"\u202a{title}\u202c": f"{value}\u200e" for title, value in EMPLOYEE.items()}
    write_company_files(tmp_path, [employee()])
    if is_csv:
        (tmp_path / "DonneesRH.xlsx").unlink()
        write_csv(tmp_path / "RH.csv", sheet([marked]))
    else:
        write_company_files(tmp_path, [marked])
    [row] = read_company(tmp_path).employees.to_dict("records")
    assert (row["id"], row["nom"], row["moyen_deplacement"]) == (1, "Mendes", "Marche/running")


@pytest.mark.parametrize("value", ["59,000", "59.000", "1,000", "100.000", "25,019", "0.000"])
def test_integer_with_three_digits_behind_a_separator_is_ambiguous(value: str) -> None:
    with pytest.raises(Unreadable, match="nombre ambigu"):
        integer(value)


@pytest.mark.parametrize(
    ("value", "number"),
    [("59019,0", 59019), ("59019.000", 59019), ("59 019", 59019), ("59\u202f019,00", 59019), ("59,00", 59),
     ("59,0", 59), (59.0, 59), ("00042", 42), ("25,0000", 25)],
)  # fmt: skip
def test_integer_that_is_not_ambiguous_is_read(value: object, number: int) -> None:
    assert integer(value) == number
