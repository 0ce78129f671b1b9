"""Doubles: of two recordings of one outing, the first that started counts, and no figure counts the other."""

from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from random import Random
from time import monotonic
from typing import Any

import pytest
from pyspark.sql import DataFrame, Row, SparkSession

from lakehouse.gold.activities import ACTIVITES
from lakehouse.gold.doubles import DOUBLES
from lakehouse.gold.model import Model
from lakehouse.gold.outings import find_doubles
from lakehouse.gold.wellbeing import WELLBEING
from spark.builders import RULES, Fields, activities, collect_by_key, employees, rule_book, utc
from support.oracle import without_doubles
from support.timing import seconds

NOON, DAY = utc("2026-05-01 12:00"), date(2026, 11, 21)
# Recordings of one person as (start and end in seconds), by their ids in order; then the ids of doubles and of what
# counts instead.
HISTORIES: dict[str, tuple[Sequence[tuple[float, float]], dict[int, int]]] = {
    "apart": ([(0, 3600), (3600, 7200), (9000, 9060)], {}),
    "identical": ([(0, 3600), (0, 3600), (0, 3600)], {1: 0, 2: 0}),
    "exactly half": ([(0, 3600), (1800, 5400)], {}),
    "half a second more than half": ([(0, 3600), (1799.5, 5399.5)], {1: 0}),
    "a microsecond more than half of an odd number of seconds": ([(0, 3601), (1800.499999, 9000.499999)], {1: 0}),
    "half of an odd number of seconds": ([(0, 3601), (1800.5, 9000.5)], {}),
    "half of the shorter, which is the second": ([(0, 3600), (3540, 3660)], {}),
    "more than half of the shorter, which is the second": ([(0, 3600), (3539, 3659)], {1: 0}),
    "more than half of the shorter, which is the first": ([(0, 100), (49, 7200)], {1: 0}),
    "short inside long": ([(0, 36_000), (20_000, 20_060)], {1: 0}),
    "chain of three, whose second does not count": ([(0, 3600), (1200, 4800), (2400, 6000)], {1: 0}),
    "chain of four": ([(0, 3600), (1200, 4800), (2400, 6000), (3600, 7200)], {1: 0, 3: 2}),
    "long one over two that are apart": ([(0, 36_000), (1000, 2000), (9000, 9900)], {1: 0, 2: 0}),
    "two that are apart before a long one": ([(0, 1000), (400, 36_000), (2000, 3000)], {1: 0}),
    "counts beside a long one that has just begun": ([(0, 1000), (900, 9000), (950, 1150)], {2: 1}),
    "the larger id starts first": ([(600, 4200), (0, 3600)], {0: 1}),
    "no duration": ([(0, 3600), (1800, 1800), (1800, 1800)], {}),
    "no duration at the start of another": ([(0, 0), (0, 3600), (0, 3600)], {2: 1}),
    "over a new year of Paris": ([(21_121_200 - 600, 21_121_200 + 3000), (21_121_200, 21_121_200 + 3600)], {1: 0}),
}


def recordings(history: Sequence[tuple[float, float]], **fields: object) -> Iterator[Fields]:
    """Yield the activities; the longer of the two durations is now the one, now the other."""
    for number, (begin, end) in enumerate(history):
        durations: tuple[int | None, int | None] = (int(end - begin), None if number % 3 else int(end - begin) // 2)
        yield {
            "activity_id": number,
            "start_date_utc": NOON + timedelta(seconds=begin),
            **dict(zip(("moving_time_s", "elapsed_time_s")[:: -1 if number % 2 else 1], durations, strict=True)),
            **fields,
        }


def doubles_by_id(rows: DataFrame) -> dict[int, int]:
    return {row.activity_id: row.double_of for row in find_doubles(rows).collect()}


def test_double_overlaps_an_earlier_activity_that_counts_by_more_than_half_of_the_shorter(spark: SparkSession) -> None:
    """Each history is of another person, all at the same times: persons do not concern each other."""
    rows = [
        {**row, "activity_id": row["activity_id"] + 10 * person}
        for person, (history, _) in enumerate(HISTORIES.values())
        for row in recordings(history, employee_id=person)
    ]
    Random(1).shuffle(rows)
    found = doubles_by_id(activities(spark, *rows))
    assert {
        name: {key - 10 * person: of - 10 * person for key, of in found.items() if key // 10 == person}
        for person, name in enumerate(HISTORIES)
    } == {name: expected for name, (_, expected) in HISTORIES.items()}


def test_doubles_of_random_histories_are_those_of_the_oracle(spark: SparkSession) -> None:
    rng = Random(3)
    rows = [random_recording(rng, number) for number in range(3_000)]
    counted = {row["activity_id"] for row in without_doubles(rows)}
    found = doubles_by_id(activities(spark, *rows))
    assert found.keys() == {row["activity_id"] for row in rows} - counted
    assert {*found.values()} <= counted
    assert len(found) > 500


def random_recording(rng: Random, number: int) -> Fields:
    """Return one of 60 people's activities: few starts and durations, so that many are equal or touch each other."""
    durations = [None, 0, 1, 2, 3, 4, 7, 16]
    return {
        "activity_id": number,
        "employee_id": rng.randrange(60),
        "start_date_utc": NOON + timedelta(seconds=rng.randrange(100) / 2),
        "moving_time_s": rng.choice(durations),
        "elapsed_time_s": rng.choice(durations),
    }


@pytest.mark.parametrize("step_s", [60, 1], ids=["each overlaps the next", "each is a double of a few"])
def test_thousands_of_overlapping_activities_of_a_person_take_seconds(spark: SparkSession, step_s: int) -> None:
    count, begins = 5_000, f"TIMESTAMP_SECONDS(1777636800 + id * {step_s})"
    columns = ["id AS activity_id", "1 AS employee_id", f"{begins} AS start_date_utc", "100 AS moving_time_s"]
    rows = spark.range(count).selectExpr(*columns, "0 AS elapsed_time_s")
    started = monotonic()
    found = find_doubles(rows).count()
    assert found == (0 if step_s == 60 else count - count // 50)
    assert monotonic() - started < seconds(20)


def test_figures_count_neither_doubles_nor_let_a_flagged_activity_or_a_later_day_decide(spark: SparkSession) -> None:
    """Of 1, the first is flagged; 2 goes on over a new year of Paris; 3 is absent; of 4, one starts after the day."""
    hour, new_year = {"elapsed_time_s": 3600}, "2025-12-31 22:50"
    rows: list[Fields] = [
        {"employee_id": 1, "start_date_utc": utc("2026-05-01 10:00"), "flagged": True, **hour},
        {"employee_id": 1, "start_date_utc": utc("2026-05-01 10:05"), "distance_m": 1_000, **hour},
        {"employee_id": 1, "start_date_utc": utc("2026-05-01 10:10"), "distance_m": 3_000, **hour},
        {"employee_id": 1, "start_date_utc": utc("2026-06-01 10:10"), "distance_m": 3_000, **hour},
        {"employee_id": 1, "start_date_utc": utc("2026-06-01 10:10"), "distance_m": 3_000, **hour},
        {"employee_id": 2, "start_date_utc": utc(new_year), "distance_m": 2_000, **hour},
        {"employee_id": 2, "start_date_utc": utc(new_year) + timedelta(minutes=20), "distance_m": 5_000, **hour},
        *({"employee_id": 3, "start_date_utc": utc("2026-05-01 10:00"), **hour} for _ in range(2)),
        *({"employee_id": 4, "start_date_utc": utc(f"2026-11-21 {start}"), **hour} for start in ("22:50", "23:00")),
    ]
    people = employees(spark, *({"id": number} for number in (1, 2, 4)))
    tables = {"rh_employees": people, "strava_activities": activities(spark, *rows)}

    def rows_of(model: Model, *keys: str) -> dict[Any, Row]:
        return collect_by_key(model.rows(tables, rule_book(RULES), DAY), *keys)

    assert {key: row[2:5] for key, row in rows_of(WELLBEING, "employee_id", "year").items()} == {
        (1, 2026): (2, "2026-05-01 12:05:00", "2026-06-01 12:10:00"),
        (2, 2025): (1, "2025-12-31 23:50:00", "2025-12-31 23:50:00"),
        (2, 2026): (0, None, None),
        (4, 2026): (1, "2026-11-21 23:50:00", "2026-11-21 23:50:00"),
    }
    assert {key: tuple(row) for key, row in rows_of(DOUBLES, "employee_id").items()} == {
        1: (1, 2, "2026-05-01 12:10:00", "2026-06-01 12:10:00"),
        2: (2, 1, "2026-01-01 00:10:00", "2026-01-01 00:10:00"),
    }
    by_month = rows_of(ACTIVITES, "niveau", "business_unit", "mois", "sport")
    assert {key[2]: row[4:] for key, row in by_month.items() if key[0] == "mois"} == {
        date(2025, 12, 1): (1, 1, 2.0, 1),
        date(2026, 5, 1): (1, 1, 1.0, 1),
        date(2026, 6, 1): (1, 1, 3.0, 1),
        date(2026, 11, 1): (1, 1, None, 0),
    }
