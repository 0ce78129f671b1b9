"""What the system's own checkers report of a fault in the lake: their log events and messages, in this one place.

In a run without a planted fault each of them is a false alarm. In a run with one, the expected ones must be there.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from chaos.failpoints import CONTINUOUS_MAINTENANCE, MAINTENANCE, REFRESH
from chaos.processes import STREAM_SERVICE

# Each checker's log files; the lines of the comparison are the run's own.
RECONCILE, COMPARISON = "reconcile.py", "the comparison"
LOG_FILES: Mapping[str, str] = {
    "the stream": f"{STREAM_SERVICE}.log*",
    "a refresh": f"{REFRESH}.log",
    "maintenance": f"{MAINTENANCE}.log",
    "continuous maintenance": f"{CONTINUOUS_MAINTENANCE}.log",
    "reconcile": f"{RECONCILE}.log",
}
HOLE = re.compile(r"gap_(not_)?refilled|lacks messages that it once had|lacks partition \d+, offset")
DOUBLE = re.compile(r"has more than once")
FOREIGN_COMMIT = re.compile(r"foreign_commit_found")
ALARMS = (HOLE, DOUBLE, FOREIGN_COMMIT)
# The comparison's own words: chaos.offset_checker, and chaos.summary for a hole that was refilled meanwhile.
OFFSETS_MISSING = re.compile(r"offsets missing|had gaps, which were refilled|\d+ rows missing")
OFFSETS_DOUBLED = re.compile(r"offsets doubled")
MAX_LINE_LENGTH = 200

WATCHERS = ("the stream", "a refresh", "maintenance", "reconcile")  # of law 1 and of versions
COUNTERS = ("maintenance", "reconcile")  # they count distinct offsets


class Expectation(NamedTuple):
    """A report that one of these checkers has to make."""

    checkers: Sequence[str]
    pattern: re.Pattern[str]


EXPECTED: Mapping[str, Sequence[Expectation]] = {
    "hole": (Expectation(WATCHERS, HOLE), Expectation([COMPARISON], OFFSETS_MISSING)),
    "double": (Expectation(WATCHERS, DOUBLE), Expectation([COMPARISON], OFFSETS_DOUBLED)),
    "both": (
        Expectation(COUNTERS, HOLE),
        Expectation(COUNTERS, DOUBLE),
        Expectation([COMPARISON], OFFSETS_MISSING),
        Expectation([COMPARISON], OFFSETS_DOUBLED),
    ),
    # A refresh repairs the table, so that the comparison may find nothing any more.
    "forged-row": (Expectation(WATCHERS, FOREIGN_COMMIT),),
    "foreign-commit": (Expectation(WATCHERS, FOREIGN_COMMIT),),
}


class Line(NamedTuple):
    """A line that a checker wrote."""

    checker: str
    text: str

    def __str__(self) -> str:
        return f"{self.checker}: {self.text.strip()[:MAX_LINE_LENGTH]}"


def read_logs(logs: Path) -> Iterator[Line]:
    """Yield the lines of all checkers' logs."""
    for checker, pattern in LOG_FILES.items():
        for file in sorted(logs.glob(pattern)):
            for line in file.read_text(encoding="utf-8", errors="replace").splitlines():
                yield Line(checker, line)


def find_alarms(logs: Path) -> list[Line]:
    """Return the lines of the checkers' logs that report a fault in the lake."""
    return [line for line in read_logs(logs) if any(pattern.search(line.text) for pattern in ALARMS)]


def find_reports(plant: str, lines: Sequence[Line]) -> tuple[list[Line], list[str]]:
    """Return the first line that meets each expectation of a planted fault, and the expectations that none meets."""
    found: list[Line] = []
    unmet: list[str] = []
    for checkers, pattern in EXPECTED[plant]:
        line = next((line for line in lines if line.checker in checkers and pattern.search(line.text)), None)
        if line:
            found.append(line)
        else:
            unmet.append(f"{' or '.join(checkers)} ({pattern.pattern})")
    return found, unmet
