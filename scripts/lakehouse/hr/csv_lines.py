"""A CSV as streams of lines, one for each delimiter that it may have."""

import csv
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from lakehouse.hr.files import UnusableFile
from lakehouse.hr.lines import MAX_FILLED_COLUMNS, Line, Sheet

DELIMITERS = ";,\t"


class BrokenQuotes(UnusableFile):
    """Quotes that do not match, which a wrong delimiter causes too."""


def read_csv_sheets(file: Path, encoding: str) -> Iterator[Sheet]:
    """Yield the CSV as a sheet, once for each delimiter."""
    for delimiter in DELIMITERS:
        yield Sheet(delimiter, _read_lines(file, encoding, delimiter))


def _read_lines(file: Path, encoding: str, delimiter: str) -> Iterator[Line]:
    """Yield the records; one that spans several lines, as a quoted address may, has the number of its last.

    A wrong delimiter often breaks the quotes, so whoever has not found the columns yet ignores the error.
    """
    with file.open(encoding=encoding, newline="") as opened:
        reader = csv.reader(opened, delimiter=delimiter, strict=True)
        try:
            for record in reader:
                filled = ((column, cell) for column, cell in enumerate(record) if cell)
                yield Line(reader.line_num, dict(islice(filled, MAX_FILLED_COLUMNS + 1)), len(record))
        except csv.Error:
            raise BrokenQuotes(
                "guillemets mal fermés (peut-être plus haut). Corrigez la ligne.", reader.line_num
            ) from None
