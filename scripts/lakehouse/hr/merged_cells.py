"""Merged blocks over data rows: only their first cells have values, and the others stand for them."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence

from lakehouse.hr.file_problems import Problem
from lakehouse.hr.lines import CellRange
from lakehouse.hr.row_parser import RowParser


def find_merged(blocks: Sequence[CellRange], parser: RowParser) -> Iterator[Problem]:
    """Yield a problem for each merged block over a data row, at its first row there, by column."""
    lines = parser.filled_lines
    for block in blocks:
        first = bisect_left(lines, block.first_row)
        if first == bisect_right(lines, block.last_row):
            continue
        for position, column in parser.positions.items():
            if block.first_column <= position <= block.last_column:
                yield Problem(
                    lines[first],
                    f"cellules fusionnées ({block.reference}) : "
                    "défusionnez-les dans Excel et écrivez la valeur sur chaque ligne",
                    column.title,
                )
