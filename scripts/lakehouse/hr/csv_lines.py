"""A CSV as streams of lines, one for each delimiter that it may have."""

import csv
import re
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import TextIO

from lakehouse.hr.files import UnusableFile
from lakehouse.hr.lines import Line, Sheet

DELIMITERS = ";,\t|"
MAX_LINE_CHARACTERS = 10_000_000  # 200 cells of Excel's longest text are 6.5 million
MAX_COUNTED_COLUMNS = 20_000  # as many as a sheet may have; a line of millions is refused by its first ones
# Line ends that a workbook's container escapes, and that programs have exported as they found them.
ESCAPED_LINE_END = re.compile("_x000[9AaDd]_")


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
        reader = csv.reader(_bounded(opened), delimiter=delimiter, strict=True)
        try:
            for record in reader:
                filled = ((column, cell) for column, cell in enumerate(record) if cell)
                yield Line(reader.line_num, dict(islice(filled, MAX_COUNTED_COLUMNS)), len(record))
        except csv.Error:
            raise BrokenQuotes(
                "guillemets mal fermés (peut-être plus haut). Corrigez la ligne.", reader.line_num
            ) from None


def _bounded(opened: TextIO) -> Iterator[str]:
    """Yield the lines, none of which may fill the memory."""
    number = 0
    while line := opened.readline(MAX_LINE_CHARACTERS + 1):
        number += 1
        if len(line) > MAX_LINE_CHARACTERS:
            raise UnusableFile("ligne trop longue : ce n'est pas un CSV, ou il est abîmé.", number)
        yield ESCAPED_LINE_END.sub(" ", line) if "_x000" in line else line
