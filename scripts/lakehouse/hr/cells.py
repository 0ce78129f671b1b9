"""Cells as values. Each reader gives None for a blank cell and raises Unreadable with the reason, never the value."""

import re
from collections.abc import Mapping
from datetime import date, datetime
from decimal import ROUND_HALF_UP, Decimal

from openpyxl.utils.datetime import from_excel

from lakehouse.contracts import TRAVEL_MODES
from lakehouse.hr.text import fold_for_comparison, normalize
from lakehouse.simulator.sport_profiles import FRENCH_SPORT_NAMES

CENT = Decimal("0.01")
MAX_INT = 2**31 - 1
SALARY_LIMIT = Decimal(10**8)
EXCEL_ERRORS = {"#REF!", "#N/A", "#NAME?", "#VALUE!", "#DIV/0!", "#NULL!", "#NUM!", "#NOM?", "#VALEUR!"}
CANONICAL_MODES: Mapping[str, str] = {fold_for_comparison(mode): mode for mode in TRAVEL_MODES}
CANONICAL_SPORTS: Mapping[str, str] = {fold_for_comparison(sport): sport for sport in FRENCH_SPORT_NAMES} | {
    "runing": "Running"
}

INTEGER_PATTERN = re.compile(r"(\d+|\d{1,3}(?: \d{3})+)(?:[.,]0+)?")
CURRENCY = re.compile(r"^€|(?:€|eur|euros?)$", re.IGNORECASE)
PLAIN_AMOUNT = re.compile(r"(?P<units>\d+)(?:[.,](?P<decimals>\d+))?")
GROUPED_AMOUNT = re.compile(
    r"(?P<units>\d{1,3}(?P<group>[ '’.,])\d{3}(?:(?P=group)\d{3})*)(?:(?!(?P=group))[.,](?P<decimals>\d+))?"
)
AMBIGUOUS_AMOUNT = re.compile(r"\d{1,3}[.,]\d{3}")
ISO_DAY = re.compile(r"(?P<year>\d{4})-(?P<month>\d{1,2})-(?P<day>\d{1,2})(?:[T ].*)?")
FRENCH_DAY = re.compile(r"(?P<day>\d{1,2})[/.-](?P<month>\d{1,2})[/.-](?P<year>\d{4})(?: .*)?")
EXCEL_SERIAL_DAYS = range(10_000, 80_000)  # 1927 to 2119, where a cell lost its date format
ALLOWED_YEARS = range(1900, 2101)


class Unreadable(ValueError):
    """A cell that does not hold what its column needs."""


def text(cell: object) -> str | None:
    """Give trimmed text with single spaces."""
    shown = int(cell) if isinstance(cell, float) and cell.is_integer() else cell
    value = "" if shown is None else normalize(str(shown))
    if value.upper() in EXCEL_ERRORS:
        raise Unreadable("erreur de formule Excel")
    if "\x00" in value:
        raise Unreadable("caractère illisible")
    return value or None


def integer(cell: object) -> int | None:
    """Give a whole number from 0 to 2³¹-1; 59019.0 is one."""
    value = text(cell)
    if value is None:
        return None
    found = INTEGER_PATTERN.fullmatch(value)
    if not found:
        raise Unreadable("pas un nombre entier")
    number = int(found[1].replace(" ", ""))
    if number > MAX_INT:
        raise Unreadable("nombre trop grand")
    return number


def salary(cell: object) -> Decimal | None:
    """Give euros, to the cent (half up): from a number, `52 770,00 €`, `52770.5`, `52.770,00`, `52,770.00`."""
    value = text(cell)
    if value is None:
        return None
    amount = _parse_amount(value) if isinstance(cell, str) else _to_decimal(cell)
    if amount < 0:
        raise Unreadable("nombre négatif")
    if amount >= SALARY_LIMIT:
        raise Unreadable("nombre trop grand")
    return amount.quantize(CENT, ROUND_HALF_UP)


def day(cell: object) -> date | None:
    """Give a day: from an Excel date, its serial number, ISO, or d/m/yyyy text."""
    value = text(cell)
    if value is None:
        return None
    found = _from_excel_day(cell) or _parse_day(value)
    if found is None:
        raise Unreadable("pas une date (attendu : jj/mm/aaaa)")
    if found.year not in ALLOWED_YEARS:
        raise Unreadable(f"date hors de {ALLOWED_YEARS.start} à {ALLOWED_YEARS.stop - 1}")
    return found


def mode(cell: object) -> str | None:
    """Give the travel mode in its canonical spelling; an unknown one as it was typed, trimmed."""
    value = text(cell)
    return None if value is None else CANONICAL_MODES.get(fold_for_comparison(value), value)


def sport(cell: object) -> str | None:
    """Give the sport in its usual spelling; an unknown one as it was typed, trimmed."""
    value = text(cell)
    return None if value is None else CANONICAL_SPORTS.get(fold_for_comparison(value), value)


def _to_decimal(cell: object) -> Decimal:
    if isinstance(cell, bool) or not isinstance(cell, int | float | Decimal):
        raise Unreadable("pas un nombre")
    amount = Decimal(str(cell))
    if not amount.is_finite():
        raise Unreadable("pas un nombre")
    return amount


def _parse_amount(value: str) -> Decimal:
    number = CURRENCY.sub("", value).strip()
    sign, number = (-1, number[1:].strip()) if number[:1] in {"-", "−"} else (1, number)
    if AMBIGUOUS_AMOUNT.fullmatch(number):
        raise Unreadable("nombre ambigu, milliers ou décimales ? (attendu : 1234,50)")
    found = GROUPED_AMOUNT.fullmatch(number) or PLAIN_AMOUNT.fullmatch(number)
    if not found:
        raise Unreadable("pas un nombre")
    units = re.sub(r"\D", "", found["units"])
    return sign * Decimal(f"{units}.{found['decimals'] or 0}")


def _from_excel_day(cell: object) -> date | None:
    if isinstance(cell, datetime):
        return cell.date()
    if isinstance(cell, date):
        return cell
    if isinstance(cell, int | float) and int(cell) in EXCEL_SERIAL_DAYS:
        found = from_excel(int(cell))
        return found.date() if isinstance(found, datetime) else None
    return None


def _parse_day(value: str) -> date | None:
    found = ISO_DAY.fullmatch(value) or FRENCH_DAY.fullmatch(value)
    if not found:
        return None
    try:
        return date(int(found["year"]), int(found["month"]), int(found["day"]))
    except ValueError:
        raise Unreadable("ce jour n'existe pas") from None
