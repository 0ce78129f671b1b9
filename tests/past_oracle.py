"""What held on a day as it was known on another, told a second time, in plain Python, from what each commit said.

It shares no code with the pipeline, on purpose: what it says was written from the product's rules alone.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import oracle
from oracle import PARIS, Prime, Row, Wellbeing

KEYS = {
    "rh_employees": "id",
    "strava_activities": "activity_id",
    "distance_cache": "id",
    "reward_rules": "valid_from",
}


@dataclass(frozen=True)
class Told:
    """What a transaction said, in its order, as (table, operation, row); refused rows have `_reasons`."""

    at: datetime
    tx_id: int
    changes: Sequence[tuple[str, str, Row]]

    @property
    def day(self) -> date:
        return _day(self.at)


@dataclass(frozen=True)
class Asked:
    """A day, the last day whose knowledge counts, and when and by which transaction the system went live."""

    as_of: date
    known_at: date
    live: datetime
    live_in: int

    def before_all(self, told: Told) -> bool:
        """Whether it counts as known and true since before."""
        return told.at <= self.live or told.tx_id == self.live_in

    def knows(self, told: Told, table: str) -> bool:
        """Whether it was known by then; the distances of the day that the system went live on always were."""
        until = max(self.known_at, _day(self.live)) if table == "distance_cache" else self.known_at
        return self.before_all(told) or told.day <= until


Since = Callable[[Told, str, Row], date | None]


def prime(history: Sequence[Told], asked: Asked) -> dict[int, Prime]:
    """Give each employee's prime of that day by employee_id."""
    rules = oracle.rules_on(_held(history, asked, "reward_rules", _always), asked.as_of)
    return oracle.prime(staff(history, asked), _held(history, asked, "distance_cache", _always), rules)


def wellbeing(history: Sequence[Told], asked: Asked) -> dict[int, Wellbeing]:
    """Give each employee's days of that day's year by employee_id."""
    done = _held(history, asked, "strava_activities", _since_of_activity)
    rules = _held(history, asked, "reward_rules", _always)
    found = oracle.wellbeing(staff(history, asked), done, rules, asked.as_of)
    return {who: days for (who, year), days in found.items() if year == asked.as_of.year}


def staff(history: Sequence[Told], asked: Asked) -> list[oracle.Employee]:
    """Give whom the company had on that day."""
    rows = _held(history, asked, "rh_employees", _since_of_employee)
    return [
        oracle.Employee(
            id=row["id"],
            business_unit=row["business_unit"],
            salary=row["salaire_brut"],
            address=row["adresse_complete"],
            travel_mode=oracle.travel_mode(row["moyen_deplacement"]),
        )
        for row in rows
        if row["date_embauche"] is None or row["date_embauche"] <= asked.as_of
    ]


def _held(history: Iterable[Told], asked: Asked, table: str, since: Since) -> list[Row]:
    """Give a table's rows by what was told last, of all that was known, among what held by that day."""
    rows: dict[Any, Row] = {}
    for told in history:
        if not asked.knows(told, table):
            continue
        before = asked.before_all(told)
        for name, operation, row in told.changes:
            if name != table or row.get("_reasons"):
                continue
            day = None if before else since(told, operation, row)
            if day is None or day <= asked.as_of:
                rows.pop(row[KEYS[table]], None)
                if operation != "d":
                    rows[row[KEYS[table]]] = row
    return [*rows.values()]


def _day(at: datetime) -> date:
    return at.astimezone(PARIS).date()


def _always(_told: Told, _operation: str, _row: Row) -> None:
    return None


def _since_of_employee(told: Told, operation: str, row: Row) -> date:
    """Give the day HR names, the commit's where it names none; for who leaves it is named just before, if at all."""
    if operation == "d":
        said = [
            changed["valable_depuis"]
            for table, other, changed in told.changes
            if table == "rh_employees" and other != "d" and changed["id"] == row["id"]
        ]
        return (said[-1] if said else None) or told.day
    return row["valable_depuis"] or told.day


def _since_of_activity(told: Told, operation: str, _row: Row) -> date | None:
    """Give the day that its employee left on, for one that is deleted along; else it counts, or does not, as ever."""
    leavers = [row for table, other, row in told.changes if table == "rh_employees" and other == "d"]
    if operation != "d" or not leavers:
        return None
    return max(_since_of_employee(told, "d", row) for row in leavers)
