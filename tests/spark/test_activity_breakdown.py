"""The breakdown of activities by business unit, month and sport."""

from datetime import date

from pyspark.sql import SparkSession

from lakehouse.gold.activities import ACTIVITES
from spark.builders import RULES, activities, collect_by_key, daily_activities, employees, rule_book, utc


def test_activity_breakdown_covers_the_last_12_calendar_months_in_paris_time(spark: SparkSession) -> None:
    activity_rows = activities(
        spark,
        {"start_date_utc": utc("2025-11-30 22:59"), "distance_m": 1},
        {"start_date_utc": utc("2025-11-30 23:00"), "distance_m": 5_000},
        {"start_date_utc": utc("2025-12-30 23:00"), "distance_m": 5_500},
        {"start_date_utc": utc("2026-11-21 22:59"), "sport_type": "Tennis", "distance_m": None},
        {"start_date_utc": utc("2026-11-21 23:00"), "sport_type": "Tennis"},
        {"start_date_utc": utc("2026-10-01 10:00"), "flagged": True},
        *daily_activities("2026-05-01 10:00", 2, employee_id=2, distance_m=1_250),
        *daily_activities("2026-05-01 10:00", 2, employee_id=3),
        *daily_activities("2025-12-02 10:00", 3, employee_id=70_000, distance_m=1_500),
    )
    people = employees(
        spark,
        {"id": 1, "business_unit": "Ventes"},
        {"id": 2, "business_unit": None},
        {"id": 70_000, "business_unit": "Ventes"},
    )
    tables = {"rh_employees": people, "strava_activities": activity_rows}
    frame = ACTIVITES.rows(tables, rule_book(RULES), date(2026, 11, 21))
    assert (frame.columns, dict(frame.dtypes)) == (list(ACTIVITES.schema), dict(ACTIVITES.schema))
    rows = collect_by_key(frame, "niveau", "business_unit", "mois", "sport")
    assert {key: tuple(row)[4:] for key, row in rows.items()} == {
        ("bu", "Ventes", date(2025, 12, 1), "Run"): (5, 2, 15.0, 5),
        ("bu", "Ventes", date(2026, 11, 1), "Tennis"): (1, 1, None, 0),
        ("bu", None, date(2026, 5, 1), "Run"): (2, 1, 2.5, 2),
        ("mois", None, date(2025, 12, 1), None): (5, 2, 15.0, 5),
        ("mois", None, date(2026, 11, 1), None): (1, 1, None, 0),
        ("mois", None, date(2026, 5, 1), None): (2, 1, 2.5, 2),
        ("sport", None, None, "Run"): (7, 3, 17.5, 7),
        ("sport", None, None, "Tennis"): (1, 1, None, 0),
    }
