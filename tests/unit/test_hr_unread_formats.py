"""A format that is not read is named, with what to do, and never as a missing column."""

from pathlib import Path
from zipfile import ZIP_STORED, ZipFile

import pytest

from lakehouse.hr.company_files import read_company
from support.hr_files import EMPLOYEE, sheet, write_csv
from support.hr_workbooks import SPORTS, hr_rows, refusal, write_hr_workbook
from support.raw_workbook import MAIN_NS, STRICT_MAIN_NS, RawSheet

SAVE_AS = "enregistrez-le en « Classeur Excel (.xlsx) »"
OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(504)
SHEET = RawSheet(hr_rows(EMPLOYEE))
WORKBOOK = f'<workbook xmlns="{STRICT_MAIN_NS}" conformance="strict"><sheets/></workbook>'
BOMB = (
    '<!DOCTYPE worksheet [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;">]>'
    f'<worksheet xmlns="{MAIN_NS}"><sheetData><row><c t="str"><v>&b;</v></c></row></sheetData></worksheet>'
)


def stream(name: str) -> bytes:
    return OLE + f"{name}\0".encode("utf-16-le") + bytes(500)


def write_hr_file(folder: Path, name: str, content: bytes) -> str:
    """Write HR's file with this content, and return the text of its refusal."""
    write_csv(folder / "sport.csv", sheet(SPORTS))
    (folder / name).write_bytes(content)
    message = refusal(folder)
    assert message.startswith(f"{name} : ")
    assert "colonne introuvable" not in message
    return message


def archive(folder: Path, **parts: str) -> bytes:
    file = folder / "archive.zip"
    with ZipFile(file, "w", ZIP_STORED) as opened:
        for name, content in parts.items():
            opened.writestr(name.replace("__", "/").replace("_", "."), content)
    return file.rename(folder / "read.zip").read_bytes()


@pytest.mark.parametrize("ending", ["xls", "xlsb", "xlsm", "ods", "numbers", "tsv", "txt", "XLS"])
def test_format_that_is_not_read_is_named_by_the_ending(tmp_path: Path, ending: str) -> None:
    message = write_hr_file(tmp_path, f"DonneesRH.{ending}", b"content")
    assert "qui n'est pas lu" in message
    assert SAVE_AS in message


def test_a_folder_of_numbers_is_named(tmp_path: Path) -> None:
    write_csv(tmp_path / "sport.csv", sheet(SPORTS))
    (tmp_path / "RH.numbers").mkdir()
    assert "RH.numbers : format Apple Numbers (.numbers), qui n'est pas lu" in refusal(tmp_path)


def test_sports_file_of_another_format_is_named(tmp_path: Path) -> None:
    write_hr_workbook(tmp_path, SHEET)
    (tmp_path / "sport.csv").rename(tmp_path / "DonneesSportive.ods")
    assert "DonneesSportive.ods : format OpenDocument (.ods), qui n'est pas lu" in refusal(tmp_path)


def test_file_of_another_format_is_ignored_where_one_can_be_read(tmp_path: Path) -> None:
    write_csv(tmp_path / "RH.csv", hr_rows(EMPLOYEE))
    (tmp_path / "RH.pdf").write_bytes(b"%PDF")
    assert "fichier des sports" in refusal(tmp_path)


@pytest.mark.parametrize(
    ("content", "name"),
    [
        (stream("Workbook"), "Excel 97-2003 (.xls)"),
        (stream("Book"), "Excel 95 (.xls)"),
        (stream("WordDocument"), "Word (.doc)"),
        (b"\x09\x04\x06\x00" + bytes(60), "Excel 4 (.xls)"),
        (b"%PDF-1.7", "PDF"),
        (b"\x1f\x8b\x08" + bytes(60), "archive gzip"),
        (b"<html><table><tr><td>ID", "page HTML"),
        (b"\xef\xbb\xbf\r\n<!DOCTYPE html><html>", "page HTML"),
        (b'<?xml version="1.0"?><?mso-application progid="Excel.Sheet"?><Workbook>', "Feuille de calcul XML 2003"),
        (
            "<?xml version='1.0'?><?mso-application progid='Excel.Sheet'?>".encode("utf-16"),
            "Feuille de calcul XML 2003",
        ),
        (b'<?xml version="1.0"?><office:document>', "OpenDocument (.fods)"),
    ],
)
@pytest.mark.parametrize("ending", ["xlsx", "csv"])
def test_format_is_named_by_the_content_whatever_the_ending(
    tmp_path: Path, content: bytes, name: str, ending: str
) -> None:
    message = write_hr_file(tmp_path, f"DonneesRH.{ending}", content)
    assert f"format {name}, qui n'est pas lu" in message
    assert SAVE_AS in message


@pytest.mark.parametrize("content", [stream("EncryptedPackage"), stream("EncryptionInfo"), OLE])
def test_password_is_named(tmp_path: Path, content: bytes) -> None:
    assert "protégé par un mot de passe" in write_hr_file(tmp_path, "DonneesRH.xlsx", content)


@pytest.mark.parametrize(
    ("parts", "name"),
    [
        ({"mimetype": "application/vnd.oasis.opendocument.spreadsheet", "content_xml": "<x/>"}, "OpenDocument (.ods)"),
        ({"xl__workbook_bin": "", "_rels/.rels": ""}, "Excel binaire (.xlsb)"),
        ({"Index__Document_iwa": ""}, "Apple Numbers (.numbers)"),
        ({"word__document_xml": ""}, "Word (.docx)"),
    ],
)
def test_archive_is_named(tmp_path: Path, parts: dict[str, str], name: str) -> None:
    message = write_hr_file(tmp_path, "DonneesRH.xlsx", archive(tmp_path, **parts))
    assert f"format {name}, qui n'est pas lu" in message


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "fichier vide"),
        (b"ID;Nom\r\n1;Mendes\r\n", "ce n'est pas un classeur .xlsx"),
        (b"PK\x03\x04 cut off", "abîmé ou incomplet"),
        (bytes(300), "ce n'est pas un classeur .xlsx"),
    ],
)
def test_what_is_no_workbook_is_named(tmp_path: Path, content: bytes, reason: str) -> None:
    assert reason in write_hr_file(tmp_path, "DonneesRH.xlsx", content)


def test_archive_without_a_workbook_is_named(tmp_path: Path) -> None:
    message = write_hr_file(tmp_path, "DonneesRH.xlsx", archive(tmp_path, photo_png="x"))
    assert "ce n'est pas un classeur .xlsx" in message


def test_workbook_with_the_ending_of_a_csv_is_named(tmp_path: Path) -> None:
    content = (write_hr_workbook(tmp_path, SHEET) / "DonneesRH.xlsx").read_bytes()
    (tmp_path / "DonneesRH.xlsx").unlink()
    assert "malgré son nom en .csv" in write_hr_file(tmp_path, "RH.csv", content)


@pytest.mark.parametrize(
    "parts", [{"xl/workbook.xml": WORKBOOK}, {"xl/worksheets/sheet1.xml": f'<x xmlns="{STRICT_MAIN_NS}"/>'}]
)
def test_strict_open_xml_is_named(tmp_path: Path, parts: dict[str, str]) -> None:
    message = refusal(write_hr_workbook(tmp_path, SHEET, parts=parts))
    named = "DonneesRH.xlsx : format Strict Open XML, qui n'est pas lu."
    assert message == f"{named} Ouvrez-le dans Excel et {SAVE_AS}. Rien n'a été chargé."


@pytest.mark.parametrize(
    "parts",
    [
        {"xl/worksheets/sheet1.xml": "<worksheet"},
        {"xl/worksheets/sheet1.xml": SHEET.xml()[:-30]},
        {"xl/worksheets/sheet1.xml": ""},
        {"xl/worksheets/sheet1.xml": BOMB},
        {"xl/workbook.xml": BOMB},
        {"xl/sharedStrings.xml": BOMB, "xl/_rels/workbook.xml.rels": "<!DOCTYPE x><x/>"},
        {"xl/styles.xml": "<styleSheet>&unknown;</styleSheet>"},
        {"xl/styles.xml": "<?xml version='1.0' encoding='UTF-9'?><styleSheet/>"},
        {"xl/workbook.xml": "<?xml version='1.0' encoding='gbk'?><workbook/>"},
        {"xl/workbook.xml": "<?xml version='1.0' encoding='x'?><workbook/>".encode("utf-16")},
        {"XL/Workbook.xml": WORKBOOK},
        {"xl/worksheets/sheet1.xml": SHEET.xml().replace("Mendes", "Mendes&#xD800;")},
    ],
)
def test_damaged_parts_and_entities_are_refused_as_damage(tmp_path: Path, parts: dict[str, str | bytes]) -> None:
    assert "DonneesRH.xlsx : illisible (abîmé ou incomplet)" in refusal(write_hr_workbook(tmp_path, SHEET, parts=parts))


def test_parts_in_utf_16_are_read(tmp_path: Path) -> None:
    parts = {"xl/worksheets/sheet1.xml": SHEET.xml().replace("UTF-8", "UTF-16").encode("utf-16")}
    assert len(read_company(write_hr_workbook(tmp_path, SHEET, parts=parts)).employees) == 1


def test_entry_that_is_there_twice_is_refused(tmp_path: Path) -> None:
    file = write_hr_workbook(tmp_path, SHEET) / "DonneesRH.xlsx"
    with pytest.warns(UserWarning, match="Duplicate name"), ZipFile(file, "a") as opened:
        opened.writestr("xl/worksheets/sheet1.xml", SHEET.xml())
    assert "illisible (abîmé ou incomplet)" in refusal(tmp_path)


@pytest.mark.parametrize("declared", [10, 2**31])
def test_size_that_an_entry_declares_is_not_believed(tmp_path: Path, declared: int) -> None:
    file = write_hr_workbook(tmp_path, SHEET) / "DonneesRH.xlsx"
    with ZipFile(file) as opened:
        size = opened.getinfo("xl/worksheets/sheet1.xml").file_size
    content = file.read_bytes()
    assert content.count(size.to_bytes(4, "little")) == 2
    file.write_bytes(content.replace(size.to_bytes(4, "little"), declared.to_bytes(4, "little")))
    if declared < size:
        assert "illisible (abîmé ou incomplet)" in refusal(tmp_path)
    else:
        assert len(read_company(tmp_path).employees) == 1


def test_file_that_may_not_be_read_is_named_as_such(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_hr_workbook(tmp_path, SHEET)

    def deny(*_arguments: object, **_options: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "open", deny)
    assert "DonneesRH.xlsx : illisible (Permission denied)" in refusal(tmp_path)


@pytest.mark.parametrize("error", [MemoryError, TimeoutError, RecursionError, KeyError, AssertionError])
def test_bug_and_lack_of_memory_are_no_damaged_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: type[Exception]
) -> None:
    write_hr_workbook(tmp_path, SHEET)

    def fail(*_arguments: object) -> None:
        raise error

    monkeypatch.setattr("lakehouse.hr.xlsx_cells.CellReader.read", fail)
    with pytest.raises(error):
        refusal(tmp_path)
