"""Wellbeing days: which activities count, in which year, and how many are needed."""

from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from pyspark.sql import Row, SparkSession

from lakehouse.gold.rules import RuleBook
from lakehouse.gold.wellbeing import WELLBEING, wellbeing
from spark.builders import RULES, Fields, activities, collect_by_key, daily_activities, employees, rule_book, utc

ROLLING = replace(RULES, activity_window="rolling_12_months")
NOVEMBER = date(2026, 11, 21)


def wellbeing_rows(
    spark: SparkSession, activity_rows: list[Fields], as_of: date = NOVEMBER, employee_count: int = 1, **rules: Any
) -> dict[tuple[int, int], Row]:
    people = employees(spark, *({"id": n} for n in range(1, employee_count + 1)))
    tables = {"rh_employees": people, "strava_activities": activities(spark, *activity_rows)}
    frame = WELLBEING.rows(tables, rule_book(replace(RULES, **rules)), as_of)
    assert frame.columns == list(WELLBEING.schema)
    assert dict(frame.dtypes) == dict(WELLBEING.schema)
    return collect_by_key(frame, "employee_id", "year")


def test_fourteen_activities_earn_nothing_and_fifteen_five_days(spark: SparkSession) -> None:
    activity_rows = daily_activities("2026-03-01 10:00", 14) + daily_activities("2026-03-01 10:00", 15, employee_id=2)
    rows = wellbeing_rows(spark, activity_rows, employee_count=2)
    assert rows[1, 2026][2:8] == (14, "2026-03-01 11:00:00", "2026-03-14 11:00:00", False, 0, 1)
    assert rows[2, 2026][2:8] == (15, "2026-03-01 11:00:00", "2026-03-15 11:00:00", True, 5, 0)


def test_more_activities_than_needed_leave_none_missing(spark: SparkSession) -> None:
    row = wellbeing_rows(spark, daily_activities("2026-03-01 10:00", 40))[1, 2026]
    assert (row.jours_bien_etre, row.activites_manquantes) == (5, 0)


def test_activity_year_is_the_calendar_year_in_paris(spark: SparkSession) -> None:
    activity_rows = [{"start_date_utc": utc("2025-12-31 22:59:59")}, {"start_date_utc": utc("2025-12-31 23:30")}]
    rows = wellbeing_rows(spark, activity_rows)
    assert rows[1, 2025][2:5] == (1, "2025-12-31 23:59:59", "2025-12-31 23:59:59")
    assert rows[1, 2026][2:5] == (1, "2026-01-01 00:30:00", "2026-01-01 00:30:00")


def test_activity_dates_are_paris_wall_clock_in_winter_and_summer(spark: SparkSession) -> None:
    activity_rows = [{"start_date_utc": utc("2026-01-10 08:00")}, {"start_date_utc": utc("2026-07-10 08:00")}]
    row = wellbeing_rows(spark, activity_rows)[1, 2026]
    assert (row.first_activity_date, row.last_activity_date) == ("2026-01-10 09:00:00", "2026-07-10 10:00:00")


def test_current_employees_have_a_row_for_this_year_and_former_ones_none(spark: SparkSession) -> None:
    activity_rows = daily_activities("2024-05-01 10:00", 2) + daily_activities("2026-05-01 10:00", 3, employee_id=9)
    rows = wellbeing_rows(spark, activity_rows, employee_count=2)
    assert set(rows) == {(1, 2024), (1, 2026), (2, 2026)}
    assert rows[2, 2026][2:8] == (0, None, None, False, 0, 15)


def test_flagged_activities_and_those_after_the_day_do_not_count(spark: SparkSession) -> None:
    activity_rows: list[Fields] = [
        {"start_date_utc": utc("2026-11-21 22:59")},
        {"start_date_utc": utc("2026-11-21 23:00")},
        {"start_date_utc": utc("2027-03-01 10:00")},
        {"start_date_utc": utc("2026-10-01 10:00"), "flagged": True},
        {"start_date_utc": utc("2026-10-02 10:00"), "flagged": None},
    ]
    rows = wellbeing_rows(spark, activity_rows)
    assert set(rows) == {(1, 2026)}
    assert rows[1, 2026].nb_activities_year == 2


def test_rolling_window_is_one_row_over_the_12_months_ending_on_the_day(spark: SparkSession) -> None:
    activity_rows = [
        {"start_date_utc": utc("2025-11-21 22:59")},
        {"start_date_utc": utc("2025-11-21 23:00")},
        {"start_date_utc": utc("2026-11-21 22:59")},
        {"start_date_utc": utc("2026-11-21 23:00")},
    ]
    rows = wellbeing_rows(spark, activity_rows, employee_count=2, activity_window="rolling_12_months")
    assert set(rows) == {(1, 2026), (2, 2026)}
    assert rows[1, 2026][2:5] == (2, "2025-11-22 00:00:00", "2026-11-21 23:59:00")
    assert rows[2, 2026].nb_activities_year == 0


@pytest.mark.parametrize(
    ("as_of", "first", "before"),
    [
        (date(2024, 2, 29), "2023-03-01 10:00", "2023-02-28 10:00"),
        (date(2025, 2, 28), "2024-02-29 10:00", "2024-02-28 10:00"),
        (date(2024, 3, 1), "2023-03-02 10:00", "2023-03-01 10:00"),
    ],
)
def test_rolling_window_around_a_leap_day_is_one_year(
    spark: SparkSession, as_of: date, first: str, before: str
) -> None:
    activity_rows = [{"start_date_utc": utc(first)}, {"start_date_utc": utc(before)}]
    rows = wellbeing_rows(spark, activity_rows, as_of=as_of, activity_window="rolling_12_months")
    assert rows[1, as_of.year].nb_activities_year == 1


@pytest.mark.parametrize("rules", [RULES, ROLLING])
def test_employee_rows_do_not_depend_on_other_employees(spark: SparkSession, rules: Any) -> None:
    activity_rows = activities(
        spark, *daily_activities("2025-10-20 10:00", 80), *daily_activities("2025-12-20 10:00", 30, employee_id=2)
    )
    together = wellbeing(employees(spark, {"id": 1}, {"id": 2}), activity_rows, rule_book(rules), NOVEMBER)
    alone = wellbeing(employees(spark, {"id": 2}), activity_rows, rule_book(rules), NOVEMBER)
    assert collect_by_key(alone, "employee_id", "year") == collect_by_key(
        together.where("employee_id = 2"), "employee_id", "year"
    )


def test_past_year_uses_the_rules_of_its_last_day(spark: SparkSession) -> None:
    book = RuleBook(
        [
            (date(2025, 3, 1), RULES),
            (date(2025, 12, 31), replace(RULES, min_activities=10, wellbeing_days=4)),
            (date(2026, 11, 1), replace(RULES, min_activities=12, wellbeing_days=6)),
        ]
    )
    activity_rows = [row for year in (2024, 2025, 2026) for row in daily_activities(f"{year}-05-01 10:00", 11)]
    rows = collect_by_key(
        wellbeing(employees(spark, {"id": 1}), activities(spark, *activity_rows), book, NOVEMBER), "year"
    )
    assert {year: (row.jours_bien_etre, row.activites_manquantes) for year, row in rows.items()} == {
        2024: (0, 4),
        2025: (4, 0),
        2026: (0, 1),
    }
