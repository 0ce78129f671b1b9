"""Parsers of cells. Each returns None for a blank cell and raises Unreadable with the reason, without the value."""

import re
from collections.abc import Mapping
from datetime import date, datetime
from decimal import ROUND_HALF_UP, Decimal

from openpyxl.utils.datetime import CALENDAR_MAC_1904, CALENDAR_WINDOWS_1900, from_excel

from lakehouse.contracts import TRAVEL_MODES
from lakehouse.contracts.sports import FRENCH_SPORT_NAMES
from lakehouse.hr.formulas import unescape_formulas
from lakehouse.text import fold_for_comparison, normalize

CENT = Decimal("0.01")
MAX_INT = 2**31 - 1
SALARY_LIMIT = Decimal(10**8)
EXCEL_ERROR = "erreur de formule Excel : corrigez la formule, ou écrivez la valeur à sa place"
AMBIGUOUS_INTEGER = "nombre ambigu, milliers ou décimales ? (attendu : 1234)"
# Errors as text, in any language and of any age: `#REF!`, `#NOM ?`, `#SPILL!`, `#N/A`, a column too narrow.
ERROR_TEXT = re.compile(
    r"#[^\W\d_][\w/. ]*[!?]|#N/?[ADV]|#GETTING_DATA|#{2,}|ERR ?: ?\d{3}|(?:LOADING|CHARGEMENT) ?(?:\.{3}|…)",
    re.IGNORECASE,
)
# UTF-8 read as Windows-1252: « Ã© » for « é », « â€™ » for an apostrophe.
MOJIBAKE = re.compile("Ã[\x80-\xbf€‚ƒ„…†‡ˆ‰Š‹ŒŽ‘’“”•–—˜™š›œžŸ]|Â[\xa0-\xbf]|â€[\x80-\xbf‚ƒ„…†‡ˆ‰Š‹ŒŽ‘’“”•–—˜™š›œžŸ]")
# NUL, half a character, and what a converter writes for a character that it does not know.
UNKNOWN_CHARACTER = re.compile("[\x00\ud800-\udfff\ufffd]")
# Controls that are no white space, and those of writing direction: Slack and terminals obey them (UTS 39, UAX 9).
CONTROL_CHARACTERS = re.compile(
    "[\x01-\x08\x0e-\x1b\x7f-\x84\x86-\x9f\u061c\u180e\u200e\u200f\u202a-\u202e\u2061-\u206f\ufff9-\ufffb"
    "\ufffe\uffff\U000e0000-\U000e007f]"
)
NO_COMMUTE_WORD = "aucun"
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


class Serial1904(float):
    """A number of a workbook whose days count from 1904, as those of Excel for Mac once did."""

    __slots__ = ()


def text(cell: object) -> str | None:
    """Return the text, trimmed, with single spaces and no controls. A float without a fraction loses its `.0`."""
    if isinstance(cell, bool):
        raise Unreadable("VRAI ou FAUX au lieu d'un texte")
    plain_cell = int(cell) if isinstance(cell, float) and cell.is_integer() else cell
    value = "" if plain_cell is None else str(plain_cell)
    if UNKNOWN_CHARACTER.search(value):
        raise Unreadable("caractère illisible")
    value = clean(value)
    # Judged as it will be stored: what stood between two characters is gone.
    if not value.isascii() and MOJIBAKE.search(value):
        raise Unreadable("accents abîmés (UTF-8 lu comme Windows-1252) : exportez le fichier de nouveau")
    value = unescape_formulas(value)
    if ERROR_TEXT.fullmatch(value):
        raise Unreadable(EXCEL_ERROR)
    return value or None


def clean(value: str) -> str:
    """Return the text normalized, without control characters and those that reorder what is shown."""
    return normalize(value if value.isprintable() else CONTROL_CHARACTERS.sub("", value))


def integer(cell: object) -> int | None:
    """Return an integer from 0 to 2³¹-1; `59019.0` and `59 019` are accepted."""
    if isinstance(cell, bool):
        raise Unreadable("pas un nombre entier")
    value = text(cell)
    if value is None:
        return None
    if isinstance(cell, str) and AMBIGUOUS_AMOUNT.fullmatch(value):
        raise Unreadable(AMBIGUOUS_INTEGER)
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
    if isinstance(cell, bool):
        raise Unreadable("pas un nombre")
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
    """Return the travel mode in its canonical spelling, an unknown one trimmed; `aucun` is none."""
    value = text(cell)
    if value is None or fold_for_comparison(value) == NO_COMMUTE_WORD:
        return None
    return CANONICAL_MODES.get(fold_for_comparison(value), value)


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
        epoch = CALENDAR_MAC_1904 if isinstance(cell, Serial1904) else CALENDAR_WINDOWS_1900
        converted = from_excel(int(cell), epoch)
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
