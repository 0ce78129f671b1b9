"""Parsers of cells. Each returns None for a blank cell and raises Unreadable with the reason, without the value."""

import re
from collections.abc import Mapping
from datetime import date, datetime
from decimal import ROUND_HALF_UP, Decimal

from openpyxl.utils.datetime import from_excel

from lakehouse.contracts import TRAVEL_MODES
from lakehouse.contracts.sports import FRENCH_SPORT_NAMES
from lakehouse.hr.formulas import unescape_formulas
from lakehouse.text import fold_for_comparison, normalize

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
EXCEL_SERIAL_DAYS = range(10_000, 80_000)  # 1927 to 2119, for a cell that lost its date format
ALLOWED_YEARS = range(1900, 2101)


class Unreadable(ValueError):
    """A cell that cannot be parsed as its column requires."""


def text(cell: object) -> str | None:
    """Return the text, trimmed and with single spaces. A float without a fraction loses its `.0`."""
    plain_cell = int(cell) if isinstance(cell, float) and cell.is_integer() else cell
    value = "" if plain_cell is None else unescape_formulas(normalize(str(plain_cell)))
    if value.upper() in EXCEL_ERRORS:
        raise Unreadable("erreur de formule Excel")
    if "\x00" in value:
        raise Unreadable("caractère illisible")
    return value or None


def integer(cell: object) -> int | None:
    """Return an integer from 0 to 2³¹-1; `59019.0` and `59 019` are accepted."""
    value = text(cell)
    if value is None:
        return None
    match = INTEGER_PATTERN.fullmatch(value)
    if not match:
        raise Unreadable("pas un nombre entier")
    number = int(match[1].replace(" ", ""))
    if number > MAX_INT:
        raise Unreadable("nombre trop grand")
    return number


def salary(cell: object) -> Decimal | None:
    """Return euros, rounded half up to the cent.

    Accepts a number, `52 770,00 €`, `52770.5`, `52.770,00` and `52,770.00`.
    """
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
    """Return a date from an Excel date, its serial number, or text as ISO 8601 or d/m/yyyy."""
    value = text(cell)
    if value is None:
        return None
    parsed = _from_excel_day(cell) or _parse_day(value)
    if parsed is None:
        raise Unreadable("pas une date (attendu : jj/mm/aaaa)")
    if parsed.year not in ALLOWED_YEARS:
        raise Unreadable(f"date hors de {ALLOWED_YEARS.start} à {ALLOWED_YEARS.stop - 1}")
    return parsed


def mode(cell: object) -> str | None:
    """Return the travel mode in its canonical spelling, an unknown one trimmed."""
    value = text(cell)
    return None if value is None else CANONICAL_MODES.get(fold_for_comparison(value), value)


def sport(cell: object) -> str | None:
    """Return the sport in its canonical spelling, an unknown one trimmed."""
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
    match = GROUPED_AMOUNT.fullmatch(number) or PLAIN_AMOUNT.fullmatch(number)
    if not match:
        raise Unreadable("pas un nombre")
    units = re.sub(r"\D", "", match["units"])
    return sign * Decimal(f"{units}.{match['decimals'] or 0}")


def _from_excel_day(cell: object) -> date | None:
    if isinstance(cell, datetime):
        return cell.date()
    if isinstance(cell, date):
        return cell
    if isinstance(cell, int | float) and int(cell) in EXCEL_SERIAL_DAYS:
        converted = from_excel(int(cell))
        return converted.date() if isinstance(converted, datetime) else None
    return None


def _parse_day(value: str) -> date | None:
    match = ISO_DAY.fullmatch(value) or FRENCH_DAY.fullmatch(value)
    if not match:
        return None
    try:
        return date(int(match["year"]), int(match["month"]), int(match["day"]))
    except ValueError:
        raise Unreadable("ce jour n'existe pas") from None
