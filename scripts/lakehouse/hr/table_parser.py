"""The parser of a table in a file: it finds the header, parses the rows and reports all problems at once."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

import pandas as pd

from lakehouse.errors import BadInput
from lakehouse.hr.columns import Column
from lakehouse.hr.csv_lines import BrokenQuotes
from lakehouse.hr.file_problems import Problem
from lakehouse.hr.files import UnusableFile, display_name
from lakehouse.hr.lines import Extent, Line, Sheet
from lakehouse.hr.merged_cells import find_merged
from lakehouse.hr.row_parser import RowParser
from lakehouse.hr.sheet_remarks import describe_hidden_cells, describe_hidden_sheets
from lakehouse.hr.sheets import SheetFile, open_sheets
from lakehouse.hr.table_header import HeaderSearch, column_positions


@dataclass(frozen=True)
class Table:
    """The rows of a file, indexed by their lines, and remarks, in French, that do not prevent the load."""

    rows: pd.DataFrame
    remarks: Sequence[str]


def read_table(
    file: Path, columns: Sequence[Column], check: Callable[[pd.DataFrame], Iterable[Problem]] = lambda _rows: ()
) -> Table:
    """Return the rows of the one visible sheet that has all the columns, without blank rows.

    `check` is called with the rows whose cells could all be parsed. The first column is the key.
    Raises BadInput with all problems, duplicate keys among them.
    """
    with open_sheets(file) as opened:
        sheet, parser = _find_table(file, opened, columns)
        remarks = describe_hidden_sheets(opened.hidden_names) + describe_hidden_cells(sheet, parser)
    rows = parser.to_frame(columns)
    problems = parser.problems
    problems.extend(chain(find_merged(sheet.merged, parser), _find_duplicates(rows, columns[0]), check(rows)))
    if problems.count:
        raise BadInput(problems.describe(display_name(file)))
    return Table(rows, [f"{display_name(file)} : {remark}" for remark in remarks])


def _find_table(file: Path, opened: SheetFile, columns: Sequence[Column]) -> tuple[Sheet, RowParser]:
    """Return the one sheet that has all columns, and its parsed rows."""
    search = HeaderSearch(columns)
    found: list[tuple[Sheet, RowParser]] = []
    for sheet in opened.sheets:
        parser = _parse_sheet(sheet, search)
        found += [(sheet, parser)] if parser else []
        if found and opened.is_csv:
            break
    if len(found) > 1:
        names = ", ".join(f"« {sheet.name} »" for sheet, _ in found)
        raise UnusableFile(f"plusieurs feuilles conviennent : {names}. N'en laissez qu'une, ou masquez les autres.")
    if not found:
        raise search.missing(file, opened)
    return found[0]


def _parse_sheet(sheet: Sheet, search: HeaderSearch) -> RowParser | None:
    """Return the parsed rows of a sheet that has all columns, None for another."""
    extent = Extent()
    header = _find_header(sheet, search, extent)
    if header is None:
        return None
    parser = RowParser(header, column_positions(header, search.columns))
    for line in sheet.lines:
        extent.add(line)
        extent.ensure_within_limits()
        parser.add(line)
    return parser


def _find_header(sheet: Sheet, search: HeaderSearch, extent: Extent) -> Line | None:
    try:
        for line in sheet.lines:
            extent.columns.update(line.cells)
            if search.matches(line):
                return line
    except BrokenQuotes:
        pass  # of a wrong delimiter
    return None


def _find_duplicates(rows: pd.DataFrame, key: Column) -> Iterator[Problem]:
    first_lines = rows.index.to_series().groupby(rows[key.field]).transform("first")
    repeated = first_lines[rows.duplicated(key.field)]
    for line, first in zip(repeated.index, repeated, strict=True):
        yield Problem(line, f"en double (déjà ligne {first})", key.title)
