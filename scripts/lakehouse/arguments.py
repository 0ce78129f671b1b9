"""The types of command-line arguments, each with its range, and a parser whose errors are two lines.

Standard library only, in syntax that an old Python can parse: preflight.py uses it before .venv exists.
"""

from __future__ import annotations

import argparse
import re
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import NoReturn

USAGE_ERROR = 2
MAX_SHOWN = 40  # characters of a refused value
MAX_INTEGER, MAX_BIGINT = (1 << 31) - 1, (1 << 63) - 1  # Postgres's types
WHOLE = re.compile(r"-?[0-9]{1,19}")
DECIMAL = re.compile(r"-?([0-9]{1,15}(\.[0-9]{0,15})?|\.[0-9]{1,15})")
DAY_PATTERN = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
DURATION = re.compile(r"([1-9][0-9]{0,5})(s|min|h)")
SECONDS_PER_UNIT = {"s": 1, "min": 60, "h": 3600}


@dataclass(frozen=True)
class WholeNumber:
    """Whole numbers in ASCII digits, both ends included; without underscores, spaces, `+`, `0x` or other digits."""

    low: int
    high: int

    @property
    def expected(self) -> str:
        return f"a whole number from {self.low} to {self.high}"

    def __call__(self, text: str) -> int:
        """Return the number; raise ArgumentTypeError outside the range."""
        if not WHOLE.fullmatch(text) or not self.low <= int(text) <= self.high:
            raise refuse(text, self.expected)
        return int(text)


@dataclass(frozen=True)
class Number:
    """Decimal numbers in ASCII digits, both ends included; no NaN, no infinity, no exponent."""

    low: float
    high: float
    unit: str = ""

    @property
    def expected(self) -> str:
        of_unit = f" of {self.unit}" if self.unit else ""
        return f"a number{of_unit} from {self.low:g} to {self.high:.15g}"

    def __call__(self, text: str) -> float:
        """Return the number; raise ArgumentTypeError outside the range."""
        if not DECIMAL.fullmatch(text) or not self.low <= float(text) <= self.high:
            raise refuse(text, self.expected)
        return float(text)


@dataclass(frozen=True)
class Day:
    """Days as yyyy-mm-dd, both ends included."""

    low: date = date(1900, 1, 1)
    high: date = date(9999, 12, 31)

    @property
    def expected(self) -> str:
        return f"a day from {self.low} to {self.high}, like 2026-06-30"

    def __call__(self, text: str) -> date:
        """Return the day; raise ArgumentTypeError outside the range."""
        try:
            day = date.fromisoformat(text if DAY_PATTERN.fullmatch(text) else "")
        except ValueError:
            raise refuse(text, self.expected) from None
        if not self.low <= day <= self.high:
            raise refuse(text, self.expected)
        return day


@dataclass(frozen=True)
class Duration:
    """Durations as a whole number in ASCII digits and a unit, s, min or h; both ends are in seconds and included."""

    low: int
    high: int

    @property
    def expected(self) -> str:
        return f"a duration from {_with_unit(self.low)} to {_with_unit(self.high)}, like 15s or 2min"

    def __call__(self, text: str) -> float:
        """Return the seconds; raise ArgumentTypeError outside the range."""
        match = DURATION.fullmatch(text)
        seconds = int(match.group(1)) * SECONDS_PER_UNIT[match.group(2)] if match else 0
        if not self.low <= seconds <= self.high:
            raise refuse(text, self.expected)
        return float(seconds)


@dataclass(frozen=True)
class Line:
    """One line of printable text, without the spaces at its ends."""

    longest: int = 200

    @property
    def expected(self) -> str:
        return f"one line of 1 to {self.longest} characters"

    def __call__(self, text: str) -> str:
        """Return the line; raise ArgumentTypeError for another text."""
        line = text.strip()
        if not line or len(line) > self.longest or not line.isprintable():
            raise refuse(text, self.expected)
        return line


@dataclass(frozen=True)
class PathName:
    """The path of a file or folder, which need not exist."""

    longest: int = 4000

    @property
    def expected(self) -> str:
        return "a path"

    def __call__(self, text: str) -> Path:
        """Return the path; raise ArgumentTypeError for an empty text, or one with a control character."""
        if not text.strip() or len(text) > self.longest or any(ord(character) < ord(" ") for character in text):
            raise refuse(text, self.expected)
        return Path(text)


WAIT_S = Number(0, 604_800, "seconds")  # a week
SHARE = Number(0, 1)
REFRESH_INTERVAL = Duration(1, 86_400)
SEED = WholeNumber(0, MAX_BIGINT)
DAY_OF_DATA = Day()


class Parser(argparse.ArgumentParser):
    """A parser whose errors are two lines, which name the option with its range, and the way to the help."""

    def error(self, message: str) -> NoReturn:
        self.exit(USAGE_ERROR, f"{self.prog}: error: {self.one_line(message)}\nAll options: {self.prog} --help\n")

    def one_line(self, message: str) -> str:
        """Return argparse's message on one line, with the range of an option whose value is missing."""
        match = re.fullmatch(r"argument (\S+): expected one argument", message)
        action = self._option_string_actions.get(match.group(1).split("/")[-1]) if match else None
        expected = getattr(getattr(action, "type", None), "expected", None)
        if expected:
            return f"{message}, {expected}"
        return re.sub(rf"(\S{{{MAX_SHOWN}}})\S{{{MAX_SHOWN},}}", r"\1...", " ".join(message.split()))


def _with_unit(seconds: int) -> str:
    """Return a duration in the largest unit of which it is a whole number."""
    unit = next(name for name in ("h", "min", "s") if seconds % SECONDS_PER_UNIT[name] == 0)
    return f"{seconds // SECONDS_PER_UNIT[unit]}{unit}"


def refuse(text: str, expected: str) -> argparse.ArgumentTypeError:
    """Return the error for a text that is not what was expected; it shows the beginning of the text."""
    shown = text if len(text) <= MAX_SHOWN else f"{text[:MAX_SHOWN]}..."
    return argparse.ArgumentTypeError(f"{shown!r} is not {expected}")
