"""Years of a company as they may go: loads, corrections, leavers, activities, distances and rules, drawn at random."""

from collections.abc import Callable
from datetime import date, datetime, timedelta
from decimal import Decimal
from itertools import count, product
from random import Random
from typing import Any

from past_oracle import Told
from spark.builders import BY_BICYCLE, BY_BUS, BY_CAR, ON_FOOT, RULES, Fields, utc
from spark.past import LIVE

FOUND, FIRST, LAST = utc("2026-01-15 11:00"), utc("2026-01-15 11:20"), utc("2028-06-30 20:00")
# Years that turn in Paris and not in UTC, the two half past twos of an October, a leap day and its edges.
STARTS = [
    "2025-12-31 22:59:59", "2025-12-31 23:30", "2026-12-31 22:59:59", "2026-12-31 23:00", "2026-10-25 00:30",
    "2026-10-25 01:30", "2027-02-27 23:00", "2027-02-28 22:59:59", "2027-02-28 23:00", "2028-02-28 23:00",
    "2028-02-29 22:59:59", "2028-02-29 23:00",
]  # fmt: skip
HOMES = [f"{n} rue de l'Essai, 34000 Montpellier" for n in range(1, 9)]
OFFICES = [RULES.destination, "1 place du Marché, 34000 Montpellier"]
COMMUTES = [*product(HOMES, OFFICES, ["walking", "bicycling"], ["estimate", "google"])]
UNITS = ["Finance", "Support", "Ventes"]
HARDLY_ANY = 0.05


class Company:
    """A company that keeps its own books, and says what it writes into them."""

    def __init__(self, rng: Random, people: int) -> None:
        self.rng = rng
        self.people = range(1, people + 1)
        self.staff: dict[int, Fields] = {}
        self.done: dict[int, Fields] = {}
        self.commutes: dict[int, Fields] = {}
        self.rules: dict[date, Fields] = {}
        self.activities = count(1)
        self.at = FOUND
        self.said: list[tuple[str, str, Fields]] = []

    def told(self, at: datetime, tx_id: int, *acts: Callable[[], None]) -> Told:
        """Give what a transaction of these acts says."""
        self.at, self.said = at, []
        for act in acts:
            act()
        return Told(at, tx_id, self.said)

    def found(self) -> None:
        """Begin as a snapshot finds it: three employees of four, what they have done, some distances and the rules."""
        for number in self.people:
            if self.rng.random() < 0.75:
                self._hire(number, "r", None)
        for _ in self.people:
            self.activity("r")
        for number in range(0, len(COMMUTES), 3):
            self._answer(number, "r")
        self._rule(date(2000, 1, 1), "r")

    def load(self) -> None:
        """Take in a file of HR's, which may say since when it holds: also of leavers, who are changed first."""
        since = self.rng.choice([None, self._day(-40, 0), self._day(0, 20)])
        for number in self.people:
            chance = self.rng.random()
            if number not in self.staff:
                if chance < 0.3:
                    self._hire(number, "c", since)
            elif chance < HARDLY_ANY:
                if since:
                    self._employee(number, "u", valable_depuis=since, **self._refused_at_times())
                self._leave(number)
            elif chance < 0.2:
                self._change(number, since)

    def by_hand(self) -> None:
        """Change one employee, or see one off."""
        if self.staff:
            number = self.rng.choice([*self.staff])
            if self.rng.random() < 0.2:
                self._leave(number)
            else:
                self._change(number, self.rng.choice([None, None, self._day(-60, 15)]))

    def activity(self, op: str = "c") -> None:
        """Note an activity, or change or take one back."""
        chance = self.rng.random()
        if self.done and op == "c" and chance < 0.25:
            number = self.rng.choice([*self.done])
            if chance < 0.1:
                del self.done[number]
                self._say("strava_activities", "d", {"activity_id": number})
            else:
                self._activity(number, "u", self.done[number]["employee_id"])
        elif self.staff:
            self._activity(next(self.activities), op, self.rng.choice([*self.staff]))

    def distance(self) -> None:
        """Answer a commute, otherwise than before where it was answered, or forget the answer."""
        number = self.rng.randrange(len(COMMUTES))
        if number in self.commutes and self.rng.random() < 0.2:
            del self.commutes[number]
            self._say("distance_cache", "d", {"id": number})
        else:
            self._answer(number, "u" if number in self.commutes else "c")

    def rule(self) -> None:
        """Put rules in that hold since some time or from some day on, or change some."""
        since = self.rng.choice([*self.rules, self._day(-200, 100), self._day(-200, 100)])
        self._rule(since, "u" if since in self.rules else "c")

    def _hire(self, number: int, op: str, since: date | None) -> None:
        hired = self.rng.choice([None, date(2015, 5, 5), self._day(-100, 100)])
        self.staff[number] = {"id": number, "date_embauche": hired}
        self._employee(number, op, valable_depuis=since, **self._home(), **self._pay())

    def _change(self, number: int, since: date | None) -> None:
        changes = self.rng.choice([self._home(), self._pay(), {**self._home(), **self._pay()}])
        self._employee(number, "u", valable_depuis=since, **changes, **self._refused_at_times())

    def _refused_at_times(self) -> Fields:
        return {"_reasons": ["refusé"]} if self.rng.random() < HARDLY_ANY else {}

    def _home(self) -> Fields:
        way = self.rng.choice([ON_FOOT, ON_FOOT, BY_BICYCLE, BY_BICYCLE, BY_BUS, BY_CAR])
        return {"adresse_complete": self.rng.choice(HOMES), "moyen_deplacement": way}

    def _pay(self) -> Fields:
        # Twentieths of these end in half a cent, some of them.
        salary = Decimal(self.rng.randrange(2_000_000, 9_000_000, 10)) / 100
        return {"salaire_brut": salary, "business_unit": self.rng.choice(UNITS)}

    def _employee(self, number: int, op: str, **changes: Any) -> None:
        row = {**self.staff[number], **changes}
        if "_reasons" not in changes:
            self.staff[number] = row
        self._say("rh_employees", op, row)

    def _leave(self, number: int) -> None:
        del self.staff[number]
        self._say("rh_employees", "d", {"id": number})
        for activity in [key for key, row in self.done.items() if row["employee_id"] == number]:
            del self.done[activity]
            self._say("strava_activities", "d", {"activity_id": activity})

    def _activity(self, number: int, op: str, employee_id: int) -> None:
        lately = self.at.replace(microsecond=0) - timedelta(minutes=self.rng.randrange(600_000))
        start = self.rng.choice([lately, utc(self.rng.choice(STARTS))])
        self.done[number] = {
            "activity_id": number,
            "employee_id": employee_id,
            "start_date_utc": start,
            "flagged": self.rng.random() < HARDLY_ANY,
            "created_at": start,
            **dict.fromkeys(["distance_m", "moving_time_s", "elapsed_time_s", "raw_payload"]),
        }
        self._say("strava_activities", op, self.done[number])

    def _answer(self, number: int, op: str) -> None:
        origin, destination, mode, provider = COMMUTES[number]
        metres = self.rng.choice([None, 14_999, 15_000, 15_001, 24_999, 25_000, 25_001])
        self.commutes[number] = {
            "id": number,
            "origin_address": origin,
            "destination_address": destination,
            "travel_mode": mode,
            "provider": provider,
            "distance_m": metres,
            "status": "failed" if metres is None else "ok",
        }
        self._say("distance_cache", op, self.commutes[number])

    def _rule(self, since: date, op: str) -> None:
        self.rules[since] = {
            **vars(RULES),
            "valid_from": since,
            "bonus_rate": Decimal(self.rng.choice(["0.0450", "0.0500", "0.0550", "0.0601"])),
            "walk_limit_m": self.rng.choice([14_999, 15_000, 15_001]),
            "min_activities": self.rng.randint(1, 5),
            "wellbeing_days": self.rng.randint(3, 6),
            "activity_window": self.rng.choice(["calendar_year", "rolling_12_months"]),
            "destination": self.rng.choice(OFFICES),
        }
        self._say("reward_rules", op, self.rules[since])

    def _say(self, table: str, op: str, row: Fields) -> None:
        self.said.append((table, op, row))

    def _day(self, first: int, last: int) -> date:
        return self.at.date() + timedelta(days=self.rng.randint(first, last))


def years(rng: Random, people: int, commits: int) -> list[Told]:
    """Give what so many commits say, in their order; the one that says that the system is live is among them.

    Distances follow it on the same day, as the worker gives them.
    """
    company = Company(rng, people)
    live = LIVE.at + timedelta(milliseconds=3)
    minutes = rng.sample(range(int((LAST - FIRST) / timedelta(minutes=1))), commits)
    worker = [live + timedelta(minutes=5 * n) for n in range(1, 9)]
    moments = [*(FIRST + timedelta(minutes=5 * n) for n in range(8)), live, *worker]
    told = [company.told(FOUND, 1_000, company.found)]
    acts = [company.load, company.by_hand, company.activity, company.distance, company.rule]
    for number, at in enumerate(sorted([*moments, *(FIRST + timedelta(minutes=one) for one in minutes)])):
        (act,) = rng.choices(acts, [2, 10, 80, 6, 1])
        act = company.load if at == live else company.distance if at in worker else act
        told.append(company.told(at, LIVE.tx_id if at == live else 1_001 + number, act))
    return told
