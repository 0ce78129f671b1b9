"""Numbers and days as French text."""

from datetime import date
from decimal import Decimal

from babel.dates import format_date
from babel.numbers import format_decimal

LOCALE = "fr"
NARROW_NO_BREAK_SPACE = "\u202f"


def format_number(number: Decimal, pattern: str) -> str:
    """Return a number by a pattern of the CLDR: 1041.3 by `#,##0.###` is 1 041,3, and `%` multiplies by 100.

    Thousands are separated by a plain space: nobody types Babel's narrow no-break space into a search.
    """
    return format_decimal(number, pattern, locale=LOCALE).replace(NARROW_NO_BREAK_SPACE, " ")


def format_day(day: date) -> str:
    """Return a day as jj/mm/aaaa."""
    return format_date(day, "short", locale=LOCALE)
