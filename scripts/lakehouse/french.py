"""Numbers, days and lines of a file as French text."""

from collections.abc import Iterable
from datetime import date
from decimal import Decimal

from babel.dates import format_date
from babel.numbers import format_decimal

LOCALE = "fr"
NARROW_NO_BREAK_SPACE = "\u202f"
MAX_LINES_NAMED = 20  # of a longer list, the file as a whole is wrong


def format_number(number: Decimal, pattern: str) -> str:
    """Return a number by a pattern of the CLDR: 1041.3 by `#,##0.###` is 1 041,3, and `%` multiplies by 100.

    Thousands are separated by a plain space: nobody types Babel's narrow no-break space into a search.
    """
    return format_decimal(number, pattern, locale=LOCALE).replace(NARROW_NO_BREAK_SPACE, " ")


def format_day(day: date) -> str:
    """Return a day as jj/mm/aaaa."""
    return format_date(day, "short", locale=LOCALE)


def format_lines(lines: Iterable[int]) -> str:
    """Return line numbers of a file in words: `ligne 3`, `lignes 3 et 4`. Only the first of many are named."""
    numbers = [*map(str, lines)]
    if len(numbers) == 1:
        return f"ligne {numbers[0]}"
    if len(numbers) > MAX_LINES_NAMED:
        return f"lignes {', '.join(numbers[:MAX_LINES_NAMED])} et {len(numbers) - MAX_LINES_NAMED} de plus"
    return f"lignes {', '.join(numbers[:-1])} et {numbers[-1]}"
