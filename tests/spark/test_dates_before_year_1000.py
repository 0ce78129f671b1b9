"""A date before the year 1000, as a mistyped reward rule has, is a date like any other: in figures and in a merge."""

import json
from datetime import date, datetime, timezone
from decimal import Decimal
from pathlib import Path

import pytest
from pyspark.sql import Column, SparkSession
from pyspark.sql import functions as F

from lakehouse.cdc import table_stats
from lakehouse.cdc.lake import Lake
from lakehouse.cdc.merge.silver import MergeThresholds, catch_up
from lakehouse.cdc.table_store import TableStore
from lakehouse.contracts import REWARD_RULES
from lakehouse.gold.rules import RuleBook, rules_until
from lakehouse.spark.literals import lit
from spark.builders import reward_rules
from spark.messages import Change, to_bronze_frame

FIRST_DAY, MISTYPED, SINCE_ALWAYS = date(1970, 1, 1), date(206, 1, 1), date(1, 1, 1)
MINUS_INFINITY_DAYS = -2_147_472_691  # as Debezium writes it


@pytest.mark.parametrize("day", [MISTYPED, SINCE_ALWAYS, date(9999, 12, 31), date(2026, 7, 1)])
def test_literal_of_a_date_is_that_date(spark: SparkSession, day: date) -> None:
    row = spark.range(1).select(lit(day).alias("day"), lit(day).cast("string").alias("text")).first()
    assert row is not None
    assert (row.day, row.text) == (day, day.isoformat())


def test_literal_of_a_time_is_that_instant(spark: SparkSession) -> None:
    moment = datetime(206, 1, 1, 12, 30, 0, 123_456, tzinfo=timezone.utc)
    row = spark.range(1).select(lit(moment).cast("string"), lit(moment.replace(tzinfo=None), "timestamp_ntz")).first()
    assert row is not None
    assert [str(value) for value in row] == ["0206-01-01 12:30:00.123456", "0206-01-01 12:30:00.123456"]


def test_date_object_passed_from_scripts_to_the_jvm_is_refused_in_tests(spark: SparkSession) -> None:
    """The guard looks at the file of each caller: this code pretends to be of scripts."""
    source = compile("frame.where(column <= day)", str(Path(rules_until.__code__.co_filename)), "exec")
    names: dict[str, object] = {"frame": spark.range(1), "column": F.current_date(), "day": MISTYPED}
    with pytest.raises(TypeError, match=r"literals\.lit"):
        exec(source, names)  # noqa: S102


@pytest.mark.parametrize("first", [MISTYPED, SINCE_ALWAYS])
def test_reward_rule_before_year_1000_is_in_force_until_the_next(spark: SparkSession, first: date) -> None:
    table = reward_rules(
        spark,
        {"valid_from": first, "bonus_rate": Decimal("0.0100")},
        {"valid_from": date(2000, 1, 1), "bonus_rate": Decimal("0.0500")},
    )
    book = rules_until(table, date(2026, 7, 1))
    assert [day for day, _ in book.rows] == [first, date(2000, 1, 1)]
    assert [_rate_on(spark, book, lit(day)) for day in (date(1999, 12, 31), date(2000, 1, 1))] == [
        Decimal("0.0100"),
        Decimal("0.0500"),
    ]
    assert rules_until(table, date(300, 1, 1)).current.bonus_rate == Decimal("0.0100")


def _rate_on(spark: SparkSession, book: RuleBook, day: Column) -> Decimal:
    row = spark.range(1).select(book.value("bonus_rate", day).alias("rate")).first()
    assert row is not None
    return Decimal(row.rate)


@pytest.mark.parametrize("thresholds", [MergeThresholds(), MergeThresholds(key_list=0)], ids=str)
@pytest.mark.parametrize(
    ("days", "expected"), [((MISTYPED - FIRST_DAY).days, MISTYPED), (MINUS_INFINITY_DAYS, SINCE_ALWAYS)]
)
def test_change_of_a_reward_rule_before_year_1000_is_merged(
    spark: SparkSession, tmp_path: Path, thresholds: MergeThresholds, days: int, expected: date
) -> None:
    store = TableStore(str(tmp_path))
    lake = Lake(spark, store)
    store.create_bronze(REWARD_RULES, {})
    store.create_quarantine()
    store.create_silver(REWARD_RULES)
    for offset, (op, rate) in enumerate([("c", "0.0500"), ("u", "0.0600")]):
        change = Change(op, 1, raw=json.dumps({"op": op, "after": _rule(days, rate), "source": {"snapshot": "false"}}))
        lake.append(to_bronze_frame(spark, [change], offset), "bronze", REWARD_RULES.table)
        catch_up(lake, REWARD_RULES, table_stats.bronze_offsets(store, REWARD_RULES), thresholds)
    rows = lake.silver(REWARD_RULES).select("valid_from", "bonus_rate").collect()
    assert [tuple(row) for row in rows] == [(expected, Decimal("0.0600"))]


def _rule(valid_from_days: int, rate: str) -> dict[str, object]:
    return {
        "valid_from": valid_from_days,
        "bonus_rate": rate,
        "walk_limit_m": 15_000,
        "bike_limit_m": 25_000,
        "min_activities": 15,
        "wellbeing_days": 5,
        "activity_window": "calendar_year",
        "destination": "ailleurs",
    }
