"""Random histories of a company: HR loads, corrections, leavers, activities, distances and rules over years."""

from collections.abc import Callable
from datetime import date, datetime, timedelta
from decimal import Decimal
from itertools import count, product
from random import Random
from typing import Any

from spark.builders import BY_BICYCLE, BY_BUS, BY_CAR, ON_FOOT, RULES, Fields, utc
from spark.versions_builder import GO_LIVE
from support.bitemporal_oracle import Commit

SNAPSHOT_AT, FIRST_COMMIT_AT, LAST_COMMIT_AT = utc("2026-01-15 11:00"), utc("2026-01-15 11:20"), utc("2028-06-30 20:00")
# A new year in Paris before UTC's, both half past twos of an October night, a leap day and the days around it.
EDGE_STARTS = [
    "2025-12-31 22:59:59", "2025-12-31 23:30", "2026-12-31 22:59:59", "2026-12-31 23:00", "2026-10-25 00:30",
    "2026-10-25 01:30", "2027-02-27 23:00", "2027-02-28 22:59:59", "2027-02-28 23:00", "2028-02-28 23:00",
    "2028-02-29 22:59:59", "2028-02-29 23:00",
]  # fmt: skip
HOMES = [f"{n} rue de l'Essai, 34000 Montpellier" for n in range(1, 9)]
OFFICES = [RULES.destination, "1 place du Marché, 34000 Montpellier"]
COMMUTES = [*product(HOMES, OFFICES, ["walking", "bicycling"], ["estimate", "google"])]
UNITS = ["Finance", "Support", "Ventes"]
RARE_PROBABILITY = 0.05


class RandomCompany:
    """A company that changes at random: its current rows, and the changes of the current transaction."""

    def __init__(self, rng: Random, employee_count: int) -> None:
        self.rng = rng
        self.employee_ids = range(1, employee_count + 1)
        self.employee_rows: dict[int, Fields] = {}
        self.activity_rows: dict[int, Fields] = {}
        self.distance_rows: dict[int, Fields] = {}
        self.rule_rows: dict[date, Fields] = {}
        self.new_activity_ids = count(1)
        self.now = SNAPSHOT_AT
        self.changes: list[tuple[str, str, Fields]] = []

    def transaction(self, at: datetime, tx_id: int, *actions: Callable[[], None]) -> Commit:
        """Run the actions as one transaction and return it with its changes in order."""
        self.now, self.changes = at, []
        for action in actions:
            action()
        return Commit(at, tx_id, self.changes)

    def initial_snapshot(self) -> None:
        """Record the rows of the initial snapshot: three of four employees, activities, some distances and a rule."""
        for number in self.employee_ids:
            if self.rng.random() < 0.75:
                self._hire(number, "r", None)
        for _ in self.employee_ids:
            self.change_activity("r")
        for number in range(0, len(COMMUTES), 3):
            self._set_distance(number, "r")
        self._set_rule(date(2000, 1, 1), "r")

    def load_hr_file(self) -> None:
        """Load an HR file, sometimes with an effective date; a leaver is updated with that date before the delete."""
        valid_from = self.rng.choice([None, self._random_day(-40, 0), self._random_day(0, 20)])
        for number in self.employee_ids:
            chance = self.rng.random()
            if number not in self.employee_rows:
                if chance < 0.3:
                    self._hire(number, "c", valid_from)
            elif chance < RARE_PROBABILITY:
                if valid_from:
                    self._write_employee(number, "u", valable_depuis=valid_from, **self._sometimes_refused())
                self._leave(number)
            elif chance < 0.2:
                self._change(number, valid_from)

    def change_one_employee(self) -> None:
        """Update or delete a random employee."""
        if self.employee_rows:
            number = self.rng.choice([*self.employee_rows])
            if self.rng.random() < 0.2:
                self._leave(number)
            else:
                self._change(number, self.rng.choice([None, None, self._random_day(-60, 15)]))

    def change_activity(self, op: str = "c") -> None:
        """Insert an activity, or update or delete one."""
        chance = self.rng.random()
        if self.activity_rows and self.employee_rows and op == "c" and chance < 0.25:
            number = self.rng.choice([*self.activity_rows])
            if chance < 0.1:
                del self.activity_rows[number]
                self._record("strava_activities", "d", {"activity_id": number})
            else:
                owners = [self.activity_rows[number]["employee_id"], self.rng.choice([*self.employee_rows])]
                self._set_activity(number, "u", self.rng.choices(owners, [4, 1])[0])
        elif self.employee_rows:
            self._set_activity(next(self.new_activity_ids), op, self.rng.choice([*self.employee_rows]))

    def change_distance(self) -> None:
        """Insert, update or delete the distance of a random commute."""
        number = self.rng.randrange(len(COMMUTES))
        if number in self.distance_rows and self.rng.random() < 0.2:
            del self.distance_rows[number]
            self._record("distance_cache", "d", {"id": number})
        else:
            self._set_distance(number, "u" if number in self.distance_rows else "c")

    def change_rule(self) -> None:
        """Insert rules valid from a past or future day, or update existing ones."""
        valid_from = self.rng.choice([*self.rule_rows, self._random_day(-200, 100), self._random_day(-200, 100)])
        self._set_rule(valid_from, "u" if valid_from in self.rule_rows else "c")

    def _hire(self, number: int, op: str, valid_from: date | None) -> None:
        hired = self.rng.choice([None, date(2015, 5, 5), self._random_day(-100, 100)])
        self.employee_rows[number] = {"id": number, "date_embauche": hired}
        self._write_employee(number, op, valable_depuis=valid_from, **self._random_home(), **self._random_pay())

    def _change(self, number: int, valid_from: date | None) -> None:
        changes = self.rng.choice(
            [self._random_home(), self._random_pay(), {**self._random_home(), **self._random_pay()}]
        )
        self._write_employee(number, "u", valable_depuis=valid_from, **changes, **self._sometimes_refused())

    def _sometimes_refused(self) -> Fields:
        return {"_reasons": ["refusé"]} if self.rng.random() < RARE_PROBABILITY else {}

    def _random_home(self) -> Fields:
        travel_mode = self.rng.choice([ON_FOOT, ON_FOOT, BY_BICYCLE, BY_BICYCLE, BY_BUS, BY_CAR])
        return {"adresse_complete": self.rng.choice(HOMES), "moyen_deplacement": travel_mode}

    def _random_pay(self) -> Fields:
        # 5 % of some of these salaries end in half a cent.
        salary = Decimal(self.rng.randrange(2_000_000, 9_000_000, 10)) / 100
        return {"salaire_brut": salary, "business_unit": self.rng.choice(UNITS)}

    def _write_employee(self, number: int, op: str, **changes: Any) -> None:
        row = {**self.employee_rows[number], **changes}
        if "_reasons" not in changes:
            self.employee_rows[number] = row
        self._record("rh_employees", op, row)

    def _leave(self, number: int) -> None:
        del self.employee_rows[number]
        self._record("rh_employees", "d", {"id": number})
        for activity in [key for key, row in self.activity_rows.items() if row["employee_id"] == number]:
            del self.activity_rows[activity]
            self._record("strava_activities", "d", {"activity_id": activity})

    def _set_activity(self, number: int, op: str, employee_id: int) -> None:
        lately = self.now.replace(microsecond=0) - timedelta(minutes=self.rng.randrange(600_000))
        own_starts = [row["start_date_utc"] for row in self.activity_rows.values() if row["employee_id"] == employee_id]
        near_another = self.rng.choice(own_starts or [lately]) + timedelta(minutes=self.rng.randint(-60, 60))
        start = self.rng.choice([lately, utc(self.rng.choice(EDGE_STARTS)), near_another])
        elapsed_s = self.rng.choice([600, 3_600, 7_200])
        self.activity_rows[number] = {
            "activity_id": number,
            "employee_id": employee_id,
            "start_date_utc": start,
            "flagged": self.rng.random() < RARE_PROBABILITY,
            "created_at": start,
            "moving_time_s": self.rng.choice([None, elapsed_s // 2, elapsed_s]),
            "elapsed_time_s": elapsed_s,
            **dict.fromkeys(["distance_m", "raw_payload"]),
        }
        self._record("strava_activities", op, self.activity_rows[number])

    def _set_distance(self, number: int, op: str) -> None:
        origin, destination, mode, provider = COMMUTES[number]
        metres = self.rng.choice([None, 14_999, 15_000, 15_001, 24_999, 25_000, 25_001])
        self.distance_rows[number] = {
            "id": number,
            "origin_address": origin,
            "destination_address": destination,
            "travel_mode": mode,
            "provider": provider,
            "distance_m": metres,
            "status": "failed" if metres is None else "ok",
        }
        self._record("distance_cache", op, self.distance_rows[number])

    def _set_rule(self, valid_from: date, op: str) -> None:
        self.rule_rows[valid_from] = {
            **vars(RULES),
            "valid_from": valid_from,
            "bonus_rate": Decimal(self.rng.choice(["0.0450", "0.0500", "0.0550", "0.0601"])),
            "walk_limit_m": self.rng.choice([14_999, 15_000, 15_001]),
            "min_activities": self.rng.randint(1, 5),
            "wellbeing_days": self.rng.randint(3, 6),
            "activity_window": self.rng.choice(["calendar_year", "rolling_12_months"]),
            "destination": self.rng.choice(OFFICES),
        }
        self._record("reward_rules", op, self.rule_rows[valid_from])

    def _record(self, table: str, op: str, row: Fields) -> None:
        self.changes.append((table, op, row))

    def _random_day(self, first: int, last: int) -> date:
        return self.now.date() + timedelta(days=self.rng.randint(first, last))


def random_history(rng: Random, employee_count: int, commit_count: int) -> list[Commit]:
    """Return a company's transactions in commit order: the snapshot, go-live and `commit_count` random ones among them.

    Distances follow go-live on the same day, as the distance worker writes them.
    """
    company = RandomCompany(rng, employee_count)
    go_live_at = GO_LIVE.live_since + timedelta(milliseconds=3)
    minutes = rng.sample(range(int((LAST_COMMIT_AT - FIRST_COMMIT_AT) / timedelta(minutes=1))), commit_count)
    worker_moments = [go_live_at + timedelta(minutes=5 * n) for n in range(1, 9)]
    moments = [*(FIRST_COMMIT_AT + timedelta(minutes=5 * n) for n in range(8)), go_live_at, *worker_moments]
    history = [company.transaction(SNAPSHOT_AT, 1_000, company.initial_snapshot)]
    actions = [
        company.load_hr_file,
        company.change_one_employee,
        company.change_activity,
        company.change_distance,
        company.change_rule,
    ]
    for number, at in enumerate(
        sorted([*moments, *(FIRST_COMMIT_AT + timedelta(minutes=minute) for minute in minutes)])
    ):
        (action,) = rng.choices(actions, [2, 10, 80, 6, 1])
        action = (
            company.load_hr_file if at == go_live_at else company.change_distance if at in worker_moments else action
        )
        history.append(company.transaction(at, GO_LIVE.tx_id if at == go_live_at else 1_001 + number, action))
    return history
