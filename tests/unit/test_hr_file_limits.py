"""Work and memory follow what is in a file; beyond the limits it is refused in words."""

import tracemalloc
from collections.abc import Callable, Iterator
from itertools import repeat
from pathlib import Path
from zipfile import ZIP_DEFLATED, ZipFile

import pytest

from lakehouse.hr.company_files import read_company
from lakehouse.hr.file_problems import Problem, Problems
from lakehouse.hr.files import UnusableFile
from lakehouse.hr.lines import MAX_FILLED_COLUMNS, MAX_FILLED_ROWS, Extent, Line
from lakehouse.hr.sheets import open_sheets
from lakehouse.hr.xlsx_package import MAX_UNPACKED_BYTES, Package
from support.hr_files import EMPLOYEE, employee, sheet, staff
from support.hr_workbooks import hr_rows, refusal, remarks, write_hr_workbook
from support.raw_workbook import MAIN_NS, RawSheet

TWO_PEOPLE = RawSheet(hr_rows(*staff(2)), dimension="A1:XFD1048576")
MIB = 2**20


def stray(reference: str, content: str = "") -> RawSheet:
    """Return two people and one cell elsewhere; without content it is a formatted blank cell."""
    row = reference.lstrip("ABCDEFGHIJKLMNOPQRSTUVWXYZ")
    cell = f'<row r="{row}"><c r="{reference}" s="1">{content}</c></row>'
    return RawSheet(TWO_PEOPLE.rows, dimension=f"A1:{reference}", extra_rows=cell)


def peak_memory(work: Callable[[], object]) -> int:
    """Return the bytes that were allocated at once during the work."""
    tracemalloc.start()
    try:
        work()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def write_repeated(folder: Path, part: str, start: str, middle: str, end: str, count: int) -> Path:
    """Write a workbook of two people with one part replaced by a text that is repeated, without building it."""
    source = write_hr_workbook(folder, TWO_PEOPLE, shared=["<t>x</t>"]) / "DonneesRH.xlsx"
    block = (middle * 1_000).encode()
    with ZipFile(source) as old, ZipFile(folder / "new.xlsx", "w", ZIP_DEFLATED, compresslevel=1) as new:
        for name in old.namelist():
            if name != part:
                new.writestr(name, old.read(name))
        with new.open(part, "w", force_zip64=True) as opened:
            opened.write(start.encode())
            for piece in repeat(block, count // 1_000):
                opened.write(piece)
            opened.write(end.encode())
    (folder / "new.xlsx").rename(source)
    return folder


@pytest.mark.parametrize("reference", ["A1048576", "XFD1048576", "XFD1", "XFD2", "L1048576"])
def test_formatted_cell_far_away_costs_one_cell(tmp_path: Path, reference: str) -> None:
    file = write_hr_workbook(tmp_path, stray(reference)) / "DonneesRH.xlsx"
    if reference in {"XFD1", "XFD2"}:
        rows = [[*row, *repeat(None, 16_384 - len(row) - 1), ""] for row in TWO_PEOPLE.rows if row]
        write_hr_workbook(tmp_path, RawSheet(rows))
    with open_sheets(file) as opened:
        [read] = opened.sheets
        assert len(list(read.lines)) == 3
        assert read.cells_visited <= 3 * 11 + 3
    assert len(read_company(tmp_path).employees) == 2
    assert peak_memory(lambda: read_company(tmp_path)) < 4 * MIB


def test_two_people_at_both_ends_of_the_sheet_are_read(tmp_path: Path) -> None:
    header, first, second = hr_rows(*staff(2))
    last = RawSheet([second]).xml().partition("<sheetData>")[2].partition("</sheetData>")[0]
    moved = last.replace('r="1"', 'r="1048576"')
    for column in "ABCDEFGHIJK":
        moved = moved.replace(f'r="{column}1"', f'r="{column}1048576"')
    folder = write_hr_workbook(tmp_path, RawSheet([header, first], extra_rows=moved))
    assert read_company(folder).employees.index.tolist() == [2, 1_048_576]
    assert peak_memory(lambda: read_company(folder)) < 4 * MIB


def test_table_at_the_right_end_of_the_sheet_is_read(tmp_path: Path) -> None:
    rows: list[list[object]] = [[*repeat(None, 16_384 - 11), *row] for row in hr_rows(*staff(2))]
    folder = write_hr_workbook(tmp_path, RawSheet(rows))
    assert read_company(folder).employees["id"].tolist() == [1, 2]
    assert peak_memory(lambda: read_company(folder)) < 4 * MIB


def test_memory_does_not_follow_blank_rows_and_cells(tmp_path: Path) -> None:
    head = TWO_PEOPLE.xml().partition("</sheetData>")[0]
    formatted = '<row><c s="1"/><c s="1"/></row>'
    folder = write_repeated(
        tmp_path, "xl/worksheets/sheet1.xml", head, formatted, "</sheetData></worksheet>", count=50_000
    )
    assert peak_memory(lambda: read_company(folder)) < 4 * MIB
    with open_sheets(folder / "DonneesRH.xlsx") as opened:
        [read] = opened.sheets
        assert len(list(read.lines)) == 3
        assert read.cells_visited == 33 + 100_000


def test_more_than_256_mib_are_refused_while_they_are_inflated(tmp_path: Path) -> None:
    part, start = "xl/worksheets/sheet1.xml", f'<worksheet xmlns="{MAIN_NS}">'
    count = MAX_UNPACKED_BYTES // 10_240 + 1_000
    folder = write_repeated(tmp_path, part, start, " " * 10_240, "</worksheet>", count)
    assert (folder / "DonneesRH.xlsx").stat().st_size < 8 * MIB

    def read() -> None:
        message = refusal(folder)
        assert message.startswith("DonneesRH.xlsx : plus de 256 Mio une fois décompressé.")

    assert peak_memory(read) < 8 * MIB


def test_bytes_of_all_parts_are_counted_together(tmp_path: Path) -> None:
    file = write_hr_workbook(tmp_path, TWO_PEOPLE) / "DonneesRH.xlsx"
    package = Package.open(file)
    size = sum(len(chunk) for chunk in package.chunks("xl/worksheets/sheet1.xml"))
    assert package.bytes_left == MAX_UNPACKED_BYTES - size
    package.bytes_left = size - 1
    with pytest.raises(UnusableFile, match="256 Mio"):
        list(package.chunks("xl/worksheets/sheet1.xml"))


def test_short_texts_by_the_hundred_thousand_are_no_objects(tmp_path: Path) -> None:
    folder = write_repeated(
        tmp_path,
        "xl/sharedStrings.xml",
        f'<sst xmlns="{MAIN_NS}">',
        "<si><t>a</t></si>",
        "</sst>",
        count=200_000,
    )
    assert peak_memory(lambda: read_company(folder)) < 6 * MIB


def test_text_of_many_megabytes_is_not_collected(tmp_path: Path) -> None:
    folder = write_repeated(
        tmp_path,
        "xl/sharedStrings.xml",
        f'<sst xmlns="{MAIN_NS}"><si><t>',
        "é" * 100,
        "</t></si></sst>",
        count=200_000,
    )
    assert peak_memory(lambda: read_company(folder)) < 4 * MIB


def filled(rows: int, columns: int) -> Extent:
    extent = Extent()
    line = Line(1, dict.fromkeys(range(columns), "x"))
    for _ in range(rows):
        extent.add(line)
    return extent


def test_filled_rows_and_columns_are_limited() -> None:
    filled(5, MAX_FILLED_COLUMNS).ensure_within_limits()
    with pytest.raises(UnusableFile, match="plus de 200 colonnes remplies"):
        filled(5, MAX_FILLED_COLUMNS + 1).ensure_within_limits()
    at_limit = Extent(rows=MAX_FILLED_ROWS)
    at_limit.add(Line(2, {}))
    at_limit.ensure_within_limits()
    at_limit.add(Line(3, {0: "x"}))
    with pytest.raises(UnusableFile, match="plus de 1 000 000 lignes remplies"):
        at_limit.ensure_within_limits()


@pytest.mark.parametrize("is_csv", [True, False])
@pytest.mark.parametrize(("extra", "is_read"), [(189, True), (190, False)])
def test_columns_that_hold_something_are_counted(tmp_path: Path, is_csv: bool, extra: int, is_read: bool) -> None:
    row = {**{f"Colonne {number}": "x" for number in range(extra)}, **EMPLOYEE}
    write_hr_workbook(tmp_path, RawSheet(hr_rows(row)))
    if is_csv:
        (tmp_path / "DonneesRH.xlsx").unlink()
        lines = "\n".join(";".join(map(str, line)) for line in sheet([row]))
        (tmp_path / "RH.csv").write_text(lines, encoding="utf-8")
    if is_read:
        assert len(read_company(tmp_path).employees) == 1
    else:
        assert "plus de 200 colonnes remplies" in refusal(tmp_path)


def test_csv_of_more_than_256_mib_is_refused_without_reading_it(tmp_path: Path) -> None:
    write_hr_workbook(tmp_path, TWO_PEOPLE)
    (tmp_path / "DonneesRH.xlsx").unlink()
    with (tmp_path / "RH.csv").open("wb") as opened:
        opened.truncate(MAX_UNPACKED_BYTES + 1)
    assert peak_memory(lambda: refusal(tmp_path)) < MIB
    assert "RH.csv : plus de 256 Mio." in refusal(tmp_path)


def test_formatted_columns_are_not_counted(tmp_path: Path) -> None:
    rows = [[*row, *repeat("", 500)] for row in hr_rows(EMPLOYEE)]
    assert remarks(read_company(write_hr_workbook(tmp_path, RawSheet(rows)))) == []


def csv_rows(count: int) -> Iterator[str]:
    yield ";".join(EMPLOYEE) + "\n"
    for number in range(1, count + 1):
        row = employee(id=number, adresse=f"{number} rue du Moulin, 34970 Lattes", nom=f"Nom{number}")
        yield ";".join(map(str, row.values())) + "\n"


def test_memory_of_a_csv_follows_its_rows(tmp_path: Path) -> None:
    """Prove on 5,000 rows, of nothing that repeats, that a million stay below a gigabyte with 100 MiB of code."""
    count = 5_000
    (tmp_path / "RH.csv").write_text("".join(csv_rows(count)), encoding="utf-8")
    (tmp_path / "sport.csv").write_text("ID salarié;Pratique d'un sport\n1;Judo\n", encoding="utf-8")
    read_company(tmp_path)  # what is loaded once
    assert peak_memory(lambda: read_company(tmp_path)) / count < 900


def test_problems_of_a_million_lines_are_counted_and_not_collected(tmp_path: Path) -> None:
    lines = (line.replace("52770", "?") for line in csv_rows(2_000))
    (tmp_path / "RH.csv").write_text("".join(lines), encoding="utf-8")
    (tmp_path / "sport.csv").write_text("ID salarié;Pratique d'un sport\n1;Judo\n", encoding="utf-8")
    message = refusal(tmp_path)
    assert message.splitlines()[-2] == "… et 1980 de plus"
    assert peak_memory(lambda: refusal(tmp_path)) < 4 * MIB


def test_problems_of_the_first_lines_are_shown_in_whatever_order_they_are_found() -> None:
    problems = Problems()
    problems.extend(Problem(line, "vide", "Nom") for line in reversed(range(2, 102)))
    assert problems.count == 100
    assert [problem.line for problem in problems.first] == [*range(2, 22)]
    assert problems.describe("RH.csv").splitlines()[-2] == "… et 80 de plus"
