"""A formula without a value, or with an error, is refused by line and column, and is no blank cell."""

from pathlib import Path

import pytest

from support.hr_files import EMPLOYEE, Row, employee, practice, sheet
from support.hr_workbooks import hr_rows, refusal, values, write_hr_workbook
from support.raw_workbook import Raw, RawSheet, RawWorkbook, array_formula, computed

NEVER_RUN = "formule jamais calculée : ouvrez le fichier dans Excel et enregistrez-le"
IS_ERROR = "erreur de formule Excel"
PADDING_REASON = "formule matricielle sans valeur sûre"
LETTERS = dict(zip(EMPLOYEE, "ABCDEFGHIJK", strict=True))


def with_cell(title: str, cell: object, number: int = 2) -> Row:
    return {**employee(id=number), title: cell}


@pytest.mark.parametrize("order", [1, -1])
@pytest.mark.parametrize("title", list(EMPLOYEE))
def test_a_formula_that_nobody_computed_is_refused_in_every_column(tmp_path: Path, title: str, order: int) -> None:
    rows = hr_rows(employee(), with_cell(title, Raw("<f>Feuil2!A1</f><v/>")), order=order)
    message = refusal(write_hr_workbook(tmp_path, RawSheet([["Extrait"], [], *rows])))
    assert message.startswith(f"DonneesRH.xlsx, ligne 5, colonne « {title} » : {NEVER_RUN}")


@pytest.mark.parametrize(
    "cell",
    [
        pytest.param(Raw("<f>A1</f>"), id="no value"),
        pytest.param(Raw("<f>A1</f><v></v>"), id="empty value"),
        pytest.param(Raw("<f>A1</f><v> </v>"), id="spaces"),
        pytest.param(Raw("<f>A1</f>", "str"), id="text without a value"),
        pytest.param(Raw("<f>A1</f><v/>", "b"), id="boolean"),
        pytest.param(Raw("<f>A1</f><v/>", "e"), id="error"),
        pytest.param(Raw('<f t="shared" si="0"/>'), id="shared formula"),
        pytest.param(Raw('<f t="shared" ref="K2:K3" si="0">A1</f><v/>'), id="first of a shared formula"),
        pytest.param(array_formula("K3", None), id="array formula of one cell"),
    ],
)
def test_an_optional_column_does_not_swallow_a_formula_without_a_value(tmp_path: Path, cell: Raw) -> None:
    rows = hr_rows(employee(), with_cell("Moyen de déplacement", cell))
    message = refusal(write_hr_workbook(tmp_path, RawSheet(rows)))
    assert message.startswith(f"DonneesRH.xlsx, ligne 3, colonne « Moyen de déplacement » : {NEVER_RUN}")


def test_a_row_with_nothing_but_uncomputed_formulas_is_not_blank(tmp_path: Path) -> None:
    dragged_down: list[object] = [Raw("<f>A1</f><v/>")] * 11
    message = refusal(write_hr_workbook(tmp_path, RawSheet([*hr_rows(employee()), [], dragged_down])))
    assert message.count("DonneesRH.xlsx, ligne 4, colonne") == 11


def test_an_uncomputed_formula_of_the_sports_file_is_refused(tmp_path: Path) -> None:
    write_hr_workbook(tmp_path, RawSheet(hr_rows(employee())))
    (tmp_path / "sport.csv").unlink()
    rows = sheet([practice(1, Raw("<f>A1</f><v/>"))])
    RawWorkbook([RawSheet(rows)]).write(tmp_path / "DonneesSportive.xlsx")
    assert refusal(tmp_path).startswith(f"DonneesSportive.xlsx, ligne 2, colonne « Pratique d'un sport » : {NEVER_RUN}")


def test_a_formula_in_a_column_that_is_not_read_may_stay_uncomputed(tmp_path: Path) -> None:
    row = {**employee(), "Âge": Raw("<f>A1</f><v/>"), "Notes": Raw("<v>#REF!</v>", "e")}
    assert values(write_hr_workbook(tmp_path, RawSheet(hr_rows(row))), "id") == {2: 1}


def test_computed_formulas_are_read(tmp_path: Path) -> None:
    row = {
        "ID salarié": computed("1+6", "7"),
        "Nom": computed("A1", "Mendes", "str"),
        "BU": computed('IF(A1="";"";B1)', "", "str"),
        "Salaire brut": Raw('<f t="shared" si="0"/><v>52770.5</v>'),
        "Moyen de déplacement": array_formula("K2", "Marche/running", "str"),
    }
    folder = write_hr_workbook(tmp_path, RawSheet(hr_rows({**EMPLOYEE, **row})))
    assert values(folder, "id") == {2: 7}
    assert values(folder, "nom") == {2: "Mendes"}
    assert values(folder, "business_unit") == {2: None}
    assert values(folder, "moyen_deplacement") == {2: "Marche/running"}


def test_the_zeros_of_a_writer_that_computes_nothing_are_no_values(tmp_path: Path) -> None:
    rows = hr_rows(with_cell("Nombre de jours de CP", computed("A1", "0")))
    assert NEVER_RUN in refusal(write_hr_workbook(tmp_path, RawSheet(rows), recalculates=True))
    assert values(write_hr_workbook(tmp_path, RawSheet(rows)), "nb_conges_payes") == {2: 0}
    rows = hr_rows(with_cell("Nombre de jours de CP", computed("A1", "25")))
    assert values(write_hr_workbook(tmp_path, RawSheet(rows), recalculates=True), "nb_conges_payes") == {2: 25}


@pytest.mark.parametrize("title", ["BU", "Adresse du domicile", "Moyen de déplacement", "Nombre de jours de CP"])
@pytest.mark.parametrize("member", [0, 0.0, None, Raw(""), Raw("<v>#N/A</v>", "e")])
@pytest.mark.parametrize(("head", "kind"), [(None, "n"), ("0", "n"), ("Ventes", "str")])
def test_a_cell_that_an_array_formula_pads_is_refused(
    tmp_path: Path, title: str, member: object, head: str | None, kind: str
) -> None:
    block = f"{LETTERS[title]}2:{LETTERS[title]}4"
    rows = hr_rows(
        with_cell(title, array_formula(block, head, kind)), with_cell(title, member, 3), with_cell(title, member, 4)
    )
    message = refusal(write_hr_workbook(tmp_path, RawSheet(rows)))
    for line in (3, 4):
        assert f"DonneesRH.xlsx, ligne {line}, colonne « {title} » : " in message
    assert any(reason in message for reason in (NEVER_RUN, PADDING_REASON, IS_ERROR))


def test_a_computed_array_formula_is_read(tmp_path: Path) -> None:
    rows = hr_rows(
        with_cell("BU", array_formula("E2:E3", "Ventes", "str"), 1),
        with_cell("BU", Raw("<v>R&amp;D</v>", "str"), 2),
        with_cell("BU", None, 3),
    )
    assert values(write_hr_workbook(tmp_path, RawSheet(rows)), "business_unit") == {2: "Ventes", 3: "R&D", 4: None}


def test_a_sheet_of_array_formulas_is_refused_before_each_row_is_compared_with_all(tmp_path: Path) -> None:
    heads: list[list[object]] = [[array_formula(f"A{row}:B1048576", "1")] for row in range(3, 110)]
    message = refusal(write_hr_workbook(tmp_path, RawSheet([*hr_rows(employee()), *heads])))
    assert "trop de formules matricielles" in message


@pytest.mark.parametrize(
    "code",
    ["#REF!", "#N/A", "#NAME?", "#VALUE!", "#DIV/0!", "#NULL!", "#NUM!", "#SPILL!", "#CALC!", "#FIELD!", "#BLOCKED!",
     "#UNKNOWN!", "#CONNECT!", "#BUSY!", "#GETTING_DATA", "#PYTHON!", "#NOM?", "#NOM ?", "#VALEUR!", "#NUL!",
     "#NOMBRE!", "#PROPAGATION!", "#EXTERNAL!"],
)  # fmt: skip
@pytest.mark.parametrize("kind", ["e", "str", "inlineStr"])
def test_an_error_value_is_refused_as_a_type_and_as_text(tmp_path: Path, code: str, kind: str) -> None:
    inner = f"<is><t>{code}</t></is>" if kind == "inlineStr" else f"<f>A1</f><v>{code}</v>"
    rows = hr_rows(employee(), with_cell("BU", Raw(inner, kind)))
    assert f"DonneesRH.xlsx, ligne 3, colonne « BU » : {IS_ERROR}" in refusal(
        write_hr_workbook(tmp_path, RawSheet(rows))
    )


@pytest.mark.parametrize("text", ["#########", "Err:502", "Err :522", "Loading...", "Chargement…", "#NV", "#BEZUG!"])
def test_an_error_of_another_program_is_refused_as_text(tmp_path: Path, text: str) -> None:
    rows = hr_rows(with_cell("Adresse du domicile", text))
    assert IS_ERROR in refusal(write_hr_workbook(tmp_path, RawSheet(rows)))


@pytest.mark.parametrize("text", ["# 12", "N/A", "#1", "Bât. #3 !", "Ventes!", "Err"])
def test_text_that_only_resembles_an_error_is_read(tmp_path: Path, text: str) -> None:
    assert values(write_hr_workbook(tmp_path, RawSheet(hr_rows(with_cell("BU", text)))), "business_unit") == {2: text}


def test_titles_that_are_uncomputed_formulas_are_named(tmp_path: Path) -> None:
    header: list[object] = [*list(EMPLOYEE)[:-1], Raw("<f>A1</f><v/>")]
    message = refusal(write_hr_workbook(tmp_path, RawSheet([header, list(EMPLOYEE.values())])))
    assert "colonne introuvable : « Moyen de déplacement »" in message
    assert "ligne 1, des titres sont illisibles" in message
