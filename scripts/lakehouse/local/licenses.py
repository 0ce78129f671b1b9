"""The licence of each component, from licenses.txt."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

from lakehouse.errors import LakehouseError

LICENSES_FILE = Path(__file__).with_name("licenses.txt")
LINE = re.compile(r"(?P<source>[a-z]+) (?P<license>[^:]+): (?P<names>.+)")


@dataclass(frozen=True)
class LicenseTable:
    """Licences by source and pattern, in the order of their file: the first pattern that fits a name decides."""

    rows: tuple[tuple[str, str, str], ...]

    def find(self, source: str, name: str) -> str:
        """Return a component's licence as an SPDX expression. Raises LakehouseError where no line has it."""
        for row_source, pattern, license_ in self.rows:
            if row_source == source and fnmatchcase(name, pattern):
                return license_
        raise LakehouseError(
            f"{LICENSES_FILE.name} has no licence of {name} ({source}): read it there, and add a line."
        )


def parse_licenses(text: str) -> LicenseTable:
    """Return the table that a file's text has. Raises LakehouseError for a line of another form."""
    return LicenseTable(tuple(_rows(text.splitlines())))


def read_licenses() -> LicenseTable:
    """Return the table of licenses.txt."""
    return parse_licenses(LICENSES_FILE.read_text(encoding="utf-8"))


def _rows(lines: Iterable[str]) -> Iterable[tuple[str, str, str]]:
    for line in lines:
        if not line or line.startswith("#"):
            continue
        match = LINE.fullmatch(line)
        if match is None:
            raise LakehouseError(f"{LICENSES_FILE.name}: not `source licence: names`: {line!r}")
        for pattern in match["names"].split():
            yield match["source"], pattern, match["license"]
