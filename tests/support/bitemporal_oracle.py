"""Oracle of bitemporal figures: what was valid on a day, as known on another, in plain Python from each commit.

It shares no code with the pipeline, on purpose: it was written from the product's rules alone.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from support import oracle
from support.oracle import PARIS, Prime, Row, Wellbeing

KEY_COLUMNS = {
    "rh_employees": "id",
    "strava_activities": "activity_id",
    "distance_cache": "id",
    "reward_rules": "valid_from",
}


@dataclass(frozen=True)
class Commit:
    """A transaction with its changes in order, as (table, operation, row); refused rows have `_reasons`."""

    committed_at: datetime
    tx_id: int
    changes: Sequence[tuple[str, str, Row]]

    @property
    def day(self) -> date:
        return _day(self.committed_at)


@dataclass(frozen=True)
class OracleAsOf:
    """A day of valid time and one of knowledge, with the time and the transaction of go-live."""

    valid_at: date
    known_at: date
    live_at: datetime
    live_tx_id: int

    def is_pre_go_live(self, commit: Commit) -> bool:
        """Return whether the commit counts as known and valid since before go-live."""
        return commit.committed_at <= self.live_at or commit.tx_id == self.live_tx_id

    def is_known(self, commit: Commit, table: str) -> bool:
        """Return whether the commit was known by then; distances of the go-live day were known from the start."""
        known_until = max(self.known_at, _day(self.live_at)) if table == "distance_cache" else self.known_at
        return self.is_pre_go_live(commit) or commit.day <= known_until


ValidFrom = Callable[[Commit, str, Row], date | None]


def prime(history: Sequence[Commit], as_of: OracleAsOf) -> dict[int, Prime]:
    """Return each employee's prime on that day by employee_id."""
    rules = oracle.rules_on(_state_as_of(history, as_of, "reward_rules", _always_valid), as_of.valid_at)
    return oracle.prime(staff(history, as_of), _state_as_of(history, as_of, "distance_cache", _always_valid), rules)


def wellbeing(history: Sequence[Commit], as_of: OracleAsOf) -> dict[int, Wellbeing]:
    """Return each employee's wellbeing days in that day's year by employee_id."""
    activities = _state_as_of(history, as_of, "strava_activities", _activity_valid_from)
    rules = _state_as_of(history, as_of, "reward_rules", _always_valid)
    by_employee_and_year = oracle.wellbeing(staff(history, as_of), activities, rules, as_of.valid_at)
    return {
        employee_id: days for (employee_id, year), days in by_employee_and_year.items() if year == as_of.valid_at.year
    }


def staff(history: Sequence[Commit], as_of: OracleAsOf) -> list[oracle.Employee]:
    """Return the employees present on that day."""
    rows = _state_as_of(history, as_of, "rh_employees", _employee_valid_from)
    return [
        oracle.Employee(
            id=row["id"],
            business_unit=row["business_unit"],
            salary=row["salaire_brut"],
            address=row["adresse_complete"],
            travel_mode=oracle.travel_mode(row["moyen_deplacement"]),
        )
        for row in rows
        if row["date_embauche"] is None or row["date_embauche"] <= as_of.valid_at
    ]


def _state_as_of(history: Iterable[Commit], as_of: OracleAsOf, table: str, valid_from: ValidFrom) -> list[Row]:
    """Return a table's rows by the last change of each key that was known, and valid by that day."""
    rows: dict[Any, Row] = {}
    for commit in history:
        if not as_of.is_known(commit, table):
            continue
        pre_go_live = as_of.is_pre_go_live(commit)
        for name, operation, row in commit.changes:
            if name != table or row.get("_reasons"):
                continue
            day = None if pre_go_live else valid_from(commit, operation, row)
            if day is None or day <= as_of.valid_at:
                rows.pop(row[KEY_COLUMNS[table]], None)
                if operation != "d":
                    rows[row[KEY_COLUMNS[table]]] = row
    return [*rows.values()]


def _day(moment: datetime) -> date:
    return moment.astimezone(PARIS).date()


def _always_valid(_commit: Commit, _operation: str, _row: Row) -> None:
    return None


def _employee_valid_from(commit: Commit, operation: str, row: Row) -> date:
    """Return the effective date that HR gave, or else the commit's day.

    A delete has the date of the update of its employee in the same commit, if there is one.
    """
    if operation == "d":
        stated_dates = [
            changed["valable_depuis"]
            for table, other, changed in commit.changes
            if table == "rh_employees" and other != "d" and changed["id"] == row["id"]
        ]
        return (stated_dates[-1] if stated_dates else None) or commit.day
    return row["valable_depuis"] or commit.day


def _activity_valid_from(commit: Commit, operation: str, _row: Row) -> date | None:
    """Return the leave date for an activity that is deleted with its employee.

    Any other change of an activity has always been valid: None.
    """
    leavers = [row for table, other, row in commit.changes if table == "rh_employees" and other == "d"]
    if operation != "d" or not leavers:
        return None
    return max(_employee_valid_from(commit, "d", row) for row in leavers)
