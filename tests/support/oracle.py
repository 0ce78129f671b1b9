"""Oracle of prime and wellbeing days, in plain Python from HR's workbook and Postgres's rows.

It shares no code with the pipeline, on purpose: it was written from the product's rules alone.
"""

import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pandas as pd

PARIS = ZoneInfo("Europe/Paris")
GOOGLE_TRAVEL_MODES = {
    "marcherunning": "walking",
    "velotrottinetteautres": "bicycling",
    "transportsencommun": "transit",
    "vehiculethermiqueelectrique": "driving",
}

Row = Mapping[str, Any]


@dataclass(frozen=True)
class Employee:
    """An employee of HR's workbook, with the columns that the figures need."""

    id: int
    business_unit: str
    salary: Decimal
    address: str
    travel_mode: str | None


@dataclass(frozen=True)
class Prime:
    """A row of v_prime_sportive; distance_m is None where it is unknown."""

    business_unit: str
    salary: Decimal
    distance_m: int | None
    distance_source: str | None
    eligible: bool
    motif: str
    amount: Decimal


@dataclass(frozen=True)
class Wellbeing:
    """A row of v_wellbeing; first and last are the wall clock in Paris, None without an activity."""

    activities: int
    first: datetime | None
    last: datetime | None
    eligible: bool
    days: int
    missing: int


def read_employees(folder: Path) -> list[Employee]:
    """Return the employees of HR's workbook, the one with RH in its name, from its sheet with a salary column.

    Raises AssertionError where no sheet has one.
    """
    (file,) = (file for file in folder.glob("*.xlsx") if "RH" in file.name and "$" not in file.name)
    for sheet in pd.read_excel(file, sheet_name=None, dtype=object).values():
        rows = sheet.rename(columns=_fold_to_letters)
        if "salairebrut" in rows:
            return [_employee(row) for row in rows.dropna(subset="idsalarie").itertuples()]
    raise AssertionError(f"no salaries in {file}")


def rules_on(reward_rules: Sequence[Row], day: date) -> Row:
    """Return the row of reward_rules in force on a day, or the earliest row before any is in force."""
    by_start = sorted(reward_rules, key=lambda row: row["valid_from"])
    return next((row for row in reversed(by_start) if row["valid_from"] <= day), by_start[0])


def prime(staff: Sequence[Employee], distance_cache: Sequence[Row], rules: Row) -> dict[int, Prime]:
    """Return each employee's prime by employee_id."""
    return {employee.id: _prime(employee, _find_distance(employee, distance_cache, rules), rules) for employee in staff}


def wellbeing(
    staff: Sequence[Employee], strava_activities: Sequence[Row], reward_rules: Sequence[Row], as_of: date
) -> dict[tuple[int, int], Wellbeing]:
    """Return each employee's wellbeing days by employee_id and year, as of a day in Paris.

    A past year uses the rules of its last day; the activity window is the one in force on `as_of`.
    """
    window = rules_on(reward_rules, as_of)["activity_window"]
    starts: dict[tuple[int, int], list[datetime]] = {(employee.id, as_of.year): [] for employee in staff}
    employee_ids = {employee.id for employee in staff}
    valid = [row for row in strava_activities if not row["flagged"] and is_valid(row)]
    for row in without_doubles(row for row in valid if row["employee_id"] in employee_ids):
        start = row["start_date_utc"].astimezone(PARIS).replace(tzinfo=None)
        if start.date() <= as_of and (year := _year(start, window, as_of)):
            starts.setdefault((row["employee_id"], year), []).append(start)
    ends = {year: min(as_of, date(year, 12, 31)) for _, year in starts}
    return {
        key: _days_earned(starts_of_year, rules_on(reward_rules, ends[key[1]]))
        for key, starts_of_year in starts.items()
    }


def travel_mode(label: object) -> str | None:
    """Return Google's name for one of HR's travel modes, None where the mode is unknown."""
    return GOOGLE_TRAVEL_MODES.get(_fold_to_letters(label))


def is_valid(row: Row) -> bool:
    """Return whether an activity's values are possible, and its creation is no more than an hour before its start."""
    distance, moving, elapsed = row["distance_m"], row["moving_time_s"], row["elapsed_time_s"]
    if row["employee_id"] is None or row["start_date_utc"] is None or _is_of_another(row):
        return False
    if row["start_date_utc"] - row["created_at"] > timedelta(hours=1):
        return False
    if elapsed is not None and (elapsed < 0 or (moving is not None and moving - elapsed > max(10, elapsed / 100))):
        return False
    longer = max(moving or 0, elapsed or 0)
    return longer > 0 and (distance is None or 0 <= distance <= longer * 90_000 / 3_600)


def _is_of_another(row: Row) -> bool:
    """Return whether the payload names an athlete by another number, or by something that is no number."""
    payload = row["raw_payload"]
    athlete = payload.get("athlete") if isinstance(payload, dict) else None
    number = athlete.get("id") if isinstance(athlete, dict) else None
    if number is None:
        return False
    if isinstance(number, (bool, list, dict)):
        return True
    try:
        return bool(Decimal(str(number)) != row["employee_id"])
    except InvalidOperation:
        return True


def without_doubles(activities: Iterable[Row]) -> Iterator[Row]:
    """Yield the valid activities that count: of one person's, those that repeat no earlier one that counts."""
    counted: dict[int, list[tuple[datetime, datetime]]] = {}
    for row in sorted(activities, key=lambda row: (row["start_date_utc"], row["activity_id"])):
        earlier_ones = counted.setdefault(row["employee_id"], [])
        begin = row["start_date_utc"]
        end = begin + timedelta(seconds=max(row["moving_time_s"] or 0, row["elapsed_time_s"] or 0))
        if not any(_repeats(begin, end, *earlier) for earlier in earlier_ones):
            earlier_ones.append((begin, end))
            yield row


def _repeats(begin: datetime, end: datetime, earlier_begin: datetime, earlier_end: datetime) -> bool:
    """Return whether two activities have more than half of the shorter one in common."""
    common = min(end, earlier_end) - max(begin, earlier_begin)
    return common > timedelta(0) and 2 * common > min(end - begin, earlier_end - earlier_begin)


def _employee(row: Any) -> Employee:
    return Employee(
        id=int(float(str(row.idsalarie).strip())),
        business_unit=row.bu.strip(),
        salary=_parse_euros(row.salairebrut),
        address=" ".join(unicodedata.normalize("NFC", row.adressedudomicile).split()),
        travel_mode=travel_mode(row.moyendedeplacement),
    )


def _fold_to_letters(text: object) -> str:
    return re.sub("[^a-z]", "", unicodedata.normalize("NFD", str(text)).lower())


def _parse_euros(cell: object) -> Decimal:
    digits = re.sub(r"[^\d.,]", "", str(cell)).replace(",", ".")
    *groups, last = digits.split(".")
    return Decimal(f"{''.join(groups)}.{last}") if groups else Decimal(last)


def _find_distance(employee: Employee, distance_cache: Sequence[Row], rules: Row) -> Row | None:
    """Return the distance that counts: Google's result overrides an estimate, even where it failed."""
    request = (employee.address, rules["destination"], employee.travel_mode)
    results = [
        row
        for row in distance_cache
        if (row["origin_address"], row["destination_address"], row["travel_mode"]) == request
    ]
    google_results = [row for row in results if row["provider"] == "google"]
    return next((row for row in google_results or results if row["status"] == "ok"), None)


def _prime(employee: Employee, distance_row: Row | None, rules: Row) -> Prime:
    distance = distance_row["distance_m"] if distance_row else None
    limit = {"walking": rules["walk_limit_m"], "bicycling": rules["bike_limit_m"]}.get(employee.travel_mode or "")
    if limit is None:
        motif = "mode_non_eligible"
    elif distance is None:
        motif = "distance_inconnue"
    else:
        motif = "eligible" if distance <= limit else "distance_incoherente"
    bonus = (employee.salary * rules["bonus_rate"]).quantize(Decimal("0.01"), ROUND_HALF_UP)
    return Prime(
        business_unit=employee.business_unit,
        salary=employee.salary,
        distance_m=distance,
        distance_source=distance_row["provider"] if distance_row else None,
        eligible=motif == "eligible",
        motif=motif,
        amount=bonus if motif == "eligible" else Decimal("0.00"),
    )


def _year(start: datetime, window: str, as_of: date) -> int | None:
    """Return the year that an activity counts for, None where it is outside the window."""
    if window == "calendar_year":
        return start.year
    # Twelve months that end on a day begin the day after the same day a year before (the 28th for a 29 February).
    day = min(as_of.day, 28) if (as_of.month, as_of.day) == (2, 29) else as_of.day
    return as_of.year if start.date() > date(as_of.year - 1, as_of.month, day) else None


def _days_earned(starts: Sequence[datetime], rules: Row) -> Wellbeing:
    is_eligible = len(starts) >= rules["min_activities"]
    return Wellbeing(
        activities=len(starts),
        first=min(starts, default=None),
        last=max(starts, default=None),
        eligible=is_eligible,
        days=rules["wellbeing_days"] if is_eligible else 0,
        missing=max(rules["min_activities"] - len(starts), 0),
    )
