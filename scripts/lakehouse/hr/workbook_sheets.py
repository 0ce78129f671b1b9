"""A workbook's sheets: those that people see, to be read one after another, and the names of the hidden ones."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from lakehouse.hr.cells import clean
from lakehouse.hr.lines import Sheet
from lakehouse.hr.shared_strings import SharedStrings, unescape
from lakehouse.hr.xlsx_cells import CellReader
from lakehouse.hr.xlsx_package import Package
from lakehouse.hr.xlsx_sheet import read_lines
from lakehouse.hr.xlsx_workbook import (
    Relationship,
    SheetEntry,
    WorkbookInfo,
    find_workbook_part,
    read_date_styles,
    read_relationships,
    read_workbook,
)


@dataclass(frozen=True)
class WorkbookSheets:
    """The visible sheets, in order, and the names of those that are hidden."""

    sheets: Iterator[Sheet]
    hidden_names: Sequence[str]


def read_workbook_sheets(package: Package) -> WorkbookSheets:
    """Return the worksheets of a workbook. Charts, macros and dialogs are no worksheets."""
    part = find_workbook_part(package)
    relationships = read_relationships(package, part)
    info = read_workbook(package, part)
    parts = {id_: target.part for id_, target in relationships.items() if target.kind == "worksheet"}
    worksheets = [entry for entry in info.sheets if entry.relationship in parts]
    hidden = [_shown_name(entry) for entry in worksheets if entry.is_hidden]
    visible = [(_shown_name(entry), parts[entry.relationship]) for entry in worksheets if not entry.is_hidden]
    return WorkbookSheets(_read_sheets(package, visible, _cell_reader(package, relationships, info)), hidden)


def _shown_name(entry: SheetEntry) -> str:
    return clean(unescape(entry.name))


def _read_sheets(package: Package, visible: Sequence[tuple[str, str]], cells: CellReader) -> Iterator[Sheet]:
    for name, part in visible:
        sheet = Sheet(name, iter(()))
        sheet.lines = read_lines(sheet, package.chunks(part), cells)
        yield sheet


def _cell_reader(package: Package, relationships: Mapping[str, Relationship], info: WorkbookInfo) -> CellReader:
    by_kind = {target.kind: target.part for target in relationships.values() if target.part in package}
    strings = SharedStrings(package.chunks(by_kind["sharedStrings"])) if "sharedStrings" in by_kind else SharedStrings()
    date_styles = read_date_styles(package, by_kind["styles"]) if "styles" in by_kind else []
    return CellReader(strings, date_styles, info.epoch, info.recalculates)
