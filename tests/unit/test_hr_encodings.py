"""A CSV is read in UTF-8, UTF-16 and Windows-1252; another encoding is named, and none is guessed wrongly."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from lakehouse.hr.company_files import read_company
from support.hr_files import EMPLOYEE, employee, sheet
from support.hr_workbooks import SPORTS, hr_rows, refusal, values, write_hr_workbook
from support.raw_workbook import RawSheet

ACCENTS = "Été, œuvre d’Hélène – « Cœur » 12 €"


def text(*rows: Sequence[object], delimiter: str = ";") -> str:
    """Return HR's rows as Excel writes them."""
    return "".join(delimiter.join(map(str, row)) + "\r\n" for row in rows)


HR_TEXT = text(*hr_rows(employee(adresse=ACCENTS)))


def write_files(folder: Path, content: bytes, name: str = "RH.csv") -> Path:
    sports = folder / "sport.csv"
    sports.write_text(text(*sheet(SPORTS)), encoding="utf-8")
    (folder / name).write_bytes(content)
    return folder


@pytest.mark.parametrize("order", [1, -1])
@pytest.mark.parametrize("delimiter", [";", "\t", "|"])
@pytest.mark.parametrize(
    ("mark", "encoding"),
    [
        ("", "utf-8"), ("\ufeff", "utf-8"), ("\ufeff", "utf-16-le"), ("\ufeff", "utf-16-be"), ("", "utf-16-le"),
        ("", "utf-16-be"), ("", "cp1252"),
    ],
)  # fmt: skip
def test_encodings_are_read_with_and_without_a_mark(
    tmp_path: Path, mark: str, encoding: str, delimiter: str, order: int
) -> None:
    rows = hr_rows(employee(adresse=ACCENTS), order=order)
    write_files(tmp_path, (mark + text(*rows, delimiter=delimiter)).encode(encoding))
    assert values(tmp_path, "adresse_complete") == {2: ACCENTS}


@pytest.mark.parametrize("mark", ["", "\ufeff"])
@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be", "cp1252", "utf-8"])
def test_long_file_is_read_across_the_chunks_that_are_checked(tmp_path: Path, mark: str, encoding: str) -> None:
    if encoding == "cp1252" and mark:
        pytest.skip("it has no mark")
    rows = [employee(id=number, adresse=f"{ACCENTS} {'é' * 300}{number}") for number in range(1, 4_001)]
    write_files(tmp_path, (mark + text(*hr_rows(*rows))).encode(encoding))
    read = read_company(tmp_path).employees
    assert read["adresse_complete"].tolist() == [row["Adresse du domicile"] for row in rows]


@pytest.mark.parametrize(
    ("encoding", "name"),
    [("utf-32", "UTF-32"), ("utf-32-le", "UTF-32"), ("utf-32-be", "UTF-32"), ("mac_roman", "Macintosh"),
     ("cp850", "MS-DOS"), ("cp437", "MS-DOS"), ("utf-7", "UTF-7"), ("cp500", "EBCDIC")],
)  # fmt: skip
@pytest.mark.parametrize("order", [1, -1])
def test_other_encoding_is_named(tmp_path: Path, encoding: str, name: str, order: int) -> None:
    rows = hr_rows(employee(adresse="Hélène à l'été"), order=order)
    message = refusal(write_files(tmp_path, text(*rows).encode(encoding)))
    assert message.startswith("RH.csv : ")
    assert name in message
    assert "« CSV UTF-8 »" in message
    assert "colonne introuvable" not in message


@pytest.mark.parametrize("encoding", ["mac_roman", "cp850", "cp437"])
def test_other_encoding_is_named_where_no_title_has_an_accent(tmp_path: Path, encoding: str) -> None:
    rows = [[title.replace("é", "e") for title in EMPLOYEE], list(employee(nom="Hélène Lefèvre-Gçois").values())]
    rows[1][-1] = "Marche/running"
    message = refusal(write_files(tmp_path, text(*rows).encode(encoding)))
    assert "ni UTF-8 ni Windows-1252" in message


def test_sports_file_of_another_encoding_is_named(tmp_path: Path) -> None:
    write_files(tmp_path, HR_TEXT.encode())
    (tmp_path / "sport.csv").write_bytes(text(*sheet(SPORTS)).encode("mac_roman"))
    assert "sport.csv : illisible (ni UTF-8 ni Windows-1252 ; Macintosh ou MS-DOS ?)" in refusal(tmp_path)


@pytest.mark.parametrize(
    ("damage", "line"),
    [
        pytest.param(lambda content: content.replace(b"Mendes", b"Mend\xe9s"), 2, id="one line of Windows-1252"),
        pytest.param(lambda content: content.replace(b"Mendes", b"Mend\xed\xa0\x80s"), 2, id="half a character"),
        pytest.param(lambda content: content[: content.rindex(b"\xc3") + 1], 3, id="cut inside a character"),
        pytest.param(lambda content: content + b"\xff", 4, id="one byte more"),
        pytest.param(lambda content: content.replace(b"Mendes", b"Mend\xc0\xafs"), 2, id="overlong"),
        pytest.param(lambda content: b"\xef\xbb\xbf" + content + b"\xe9", 4, id="marked as UTF-8"),
    ],
)
def test_damaged_utf_8_is_not_read_as_windows_1252(tmp_path: Path, damage: object, line: int) -> None:
    assert callable(damage)
    message = refusal(write_files(tmp_path, damage(text(*hr_rows(employee(), employee(id=2, nom="Hélène"))).encode())))
    assert message.startswith(f"RH.csv, ligne {line} : caractère illisible en UTF-8")


@pytest.mark.parametrize(
    "content", ["Hélène".encode("utf-16") + b"x", b"\xff\xfe\x00\xd8;\x00\r\x00", b"\xfe\xff\xd8\x00\x00;"]
)
def test_damaged_utf_16_is_refused(tmp_path: Path, content: bytes) -> None:
    assert "caractère illisible en UTF-16" in refusal(write_files(tmp_path, content))


@pytest.mark.parametrize(
    "name", ["L’ÉTÉ »", "ÇA", "SÃO", "Łucja", "Œuvre", "Šimić", "Žarko", "É »", "GRÂCE »", "ÉCOLE… »"]
)
def test_genuine_windows_1252_is_read(tmp_path: Path, name: str) -> None:
    name = name.replace("Ł", "L").replace("ć", "c").replace(" ", "\xa0")
    rows = [[title.replace("é", "e") for title in EMPLOYEE], list(employee(nom=name).values())]
    write_files(tmp_path, text(*rows).encode("cp1252"))
    assert values(tmp_path, "nom") == {2: name.replace("\xa0", " ")}


@pytest.mark.parametrize("title", list(EMPLOYEE))
def test_utf_8_that_was_read_as_windows_1252_is_refused(tmp_path: Path, title: str) -> None:
    broken = "Hélène".encode().decode("cp1252")
    folder = write_hr_workbook(tmp_path, RawSheet(hr_rows({**EMPLOYEE, title: broken})))
    assert f"ligne 2, colonne « {title} » : accents abîmés" in refusal(folder)


@pytest.mark.parametrize("is_workbook", [True, False])
def test_titles_that_were_read_as_windows_1252_are_no_missing_columns(tmp_path: Path, is_workbook: bool) -> None:
    rows = [[str(cell).encode().decode("cp1252") for cell in row] for row in hr_rows(EMPLOYEE)]
    if is_workbook:
        write_hr_workbook(tmp_path, RawSheet(rows))
    else:
        write_files(tmp_path, text(*rows).encode())
    assert "accents abîmés (UTF-8 lu comme Windows-1252)" in refusal(tmp_path)


@pytest.mark.parametrize("place", ["Mendes", "Prénom", "Marche/running", "2015-09-01"])
def test_nul_in_a_csv_is_refused_with_its_line(tmp_path: Path, place: str) -> None:
    content = text(*hr_rows(*[employee(id=number) for number in range(1, 40)])).encode()
    message = refusal(write_files(tmp_path, content.replace(place.encode(), b"x\0", 1)))
    assert message.startswith(f"RH.csv, ligne {1 if place == 'Prénom' else 2} : caractère nul")


def test_csv_whose_end_was_never_written_is_refused(tmp_path: Path) -> None:
    assert "RH.csv, ligne 3 : caractère nul" in refusal(write_files(tmp_path, HR_TEXT.encode() + bytes(4096)))


def test_titles_whose_accents_were_lost_are_named(tmp_path: Path) -> None:
    message = refusal(write_files(tmp_path, HR_TEXT.replace("é", "\ufffd").encode()))
    assert "ligne 1, des titres sont illisibles" in message


@pytest.mark.parametrize("escape", ["_x000D_", "_x000d_", "_x000A_", "_x0009_"])
def test_line_end_that_a_program_exported_as_an_escape_is_white_space(tmp_path: Path, escape: str) -> None:
    write_files(tmp_path, text(*hr_rows(employee(adresse=f"12 rue du Moulin{escape} 34970 Lattes{escape}"))).encode())
    assert values(tmp_path, "adresse_complete") == {2: "12 rue du Moulin 34970 Lattes"}


def test_line_without_an_end_is_refused(tmp_path: Path) -> None:
    assert "RH.csv, ligne 3 : ligne trop longue" in refusal(write_files(tmp_path, HR_TEXT.encode() + b"x" * 10_000_001))


def test_title_that_begins_like_an_archive_is_a_title(tmp_path: Path) -> None:
    write_files(tmp_path, text(*hr_rows({"PK": 1, **EMPLOYEE})).encode())
    assert values(tmp_path, "id") == {2: 1}
