"""What a workbook says of all its sheets: their names and states, its date system, its date formats."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from openpyxl.styles.numbers import BUILTIN_FORMATS, is_date_format
from openpyxl.utils.datetime import CALENDAR_MAC_1904, CALENDAR_WINDOWS_1900

from lakehouse.hr.file_formats import DAMAGED, NOT_A_WORKBOOK, STRICT_FORMAT
from lakehouse.hr.files import UnusableFile, unread_format
from lakehouse.hr.xlsx_package import Package, resolve_target
from lakehouse.hr.xml_stream import create_parser, is_true, parse, parse_count

MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main "
STRICT_NAMESPACE = "http://purl.oclc.org/ooxml/"
RELATIONSHIP_ID = "http://schemas.openxmlformats.org/officeDocument/2006/relationships id"
RELATIONSHIP = "http://schemas.openxmlformats.org/package/2006/relationships Relationship"
# Dates of Chinese, Japanese, Korean and Thai Excel, whose formats no file writes out (ECMA-376, 18.8.30).
LOCALE_DATE_FORMATS = frozenset([*range(27, 37), *range(50, 59), *range(71, 82)])
NO_DATE_FORMATS = frozenset({"general", "standard", "@"})


@dataclass(frozen=True)
class Relationship:
    """A part that another part refers to, and what it is there."""

    kind: str
    part: str


@dataclass
class SheetEntry:
    """A sheet in the workbook's list."""

    name: str
    is_hidden: bool
    relationship: str


@dataclass
class WorkbookInfo:
    """The workbook's part: its sheets in order, and what holds for all of them."""

    sheets: list[SheetEntry] = field(default_factory=list)
    epoch: datetime = CALENDAR_WINDOWS_1900
    recalculates: bool = False  # the program that wrote it has computed no formula


def reject_strict(element: str) -> None:
    """Raise UnusableFile for an element of the strict variant, whose namespaces are others."""
    if element.startswith(STRICT_NAMESPACE):
        raise unread_format(STRICT_FORMAT)


def find_workbook_part(package: Package) -> str:
    """Return the name of the workbook's part. Raises UnusableFile where there is none."""
    targets = [entry.part for entry in read_relationships(package, "").values() if entry.kind == "officeDocument"]
    part = next(iter(targets), "xl/workbook.xml")
    if part not in package:
        raise UnusableFile(NOT_A_WORKBOOK)
    return part


def read_relationships(package: Package, part: str) -> Mapping[str, Relationship]:
    """Return the relationships of a part, or with "" of the package, by their ids."""
    found: dict[str, Relationship] = {}

    def start(name: str, attributes: dict[str, str]) -> None:
        if name == RELATIONSHIP and attributes.get("TargetMode") != "External":
            kind = attributes.get("Type", "").rpartition("/")[2]
            found[attributes.get("Id", "")] = Relationship(kind, resolve_target(part, attributes.get("Target", "")))

    folder, _, base = part.rpartition("/")
    source = f"{folder}/_rels/{base}.rels"
    if source in package:
        parse(package.chunks(source), create_parser(start))
    return found


def read_workbook(package: Package, part: str) -> WorkbookInfo:
    """Return the sheets' names and states and the date system. Raises UnusableFile for Strict Open XML."""
    info = WorkbookInfo()

    def start(name: str, attributes: dict[str, str]) -> None:
        reject_strict(name)
        if name == MAIN + "sheet":
            hidden = attributes.get("state", "visible") != "visible"
            info.sheets.append(SheetEntry(attributes.get("name", ""), hidden, attributes.get(RELATIONSHIP_ID, "")))
        elif name == MAIN + "workbookPr" and is_true(attributes, "date1904"):
            info.epoch = CALENDAR_MAC_1904
        elif name == MAIN + "calcPr":
            info.recalculates = is_true(attributes, "fullCalcOnLoad")

    parse(package.chunks(part), create_parser(start))
    if not info.sheets:
        raise UnusableFile(DAMAGED)
    return info


def read_date_styles(package: Package, part: str) -> list[bool]:
    """Return for each cell style whether it shows a number as a date."""
    custom: dict[int, str] = {}
    formats: list[int] = []
    in_cell_styles = False

    def start(name: str, attributes: dict[str, str]) -> None:
        nonlocal in_cell_styles
        if name == MAIN + "numFmt":
            number = parse_count(attributes.get("numFmtId", "0"))
            custom.setdefault(number, attributes.get("formatCode", ""))  # conditional formats repeat numbers later
        elif name == MAIN + "cellXfs":
            in_cell_styles = True
        elif name == MAIN + "xf" and in_cell_styles:
            formats.append(parse_count(attributes.get("numFmtId", "0")))

    def end(name: str) -> None:
        nonlocal in_cell_styles
        in_cell_styles = in_cell_styles and name != MAIN + "cellXfs"

    parse(package.chunks(part), create_parser(start, end))
    return [_shows_date(number, custom.get(number)) for number in formats]


def _shows_date(number: int, custom: str | None) -> bool:
    if custom is None and number in LOCALE_DATE_FORMATS:
        return True
    code = custom if custom is not None else BUILTIN_FORMATS.get(number, "General")
    return code.casefold() not in NO_DATE_FORMATS and is_date_format(code)
