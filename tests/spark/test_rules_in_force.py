"""Reward rules are data: each row is in force from its date on."""

from datetime import date
from decimal import Decimal

import pytest
from pyspark.sql import SparkSession

from lakehouse.cdc.lake import Lake
from lakehouse.errors import NotReady
from lakehouse.gold.rules import current_rules_until, rules_until
from spark.builders import RULES, reward_rules


def test_rule_in_force_is_the_latest_with_valid_from_reached(spark: SparkSession) -> None:
    rows = [
        {"valid_from": date(2026, 7, 1), "bonus_rate": Decimal("0.06")},
        {"valid_from": date(2025, 1, 1), "bonus_rate": Decimal("0.04")},
        {"valid_from": date(2026, 1, 1), "bonus_rate": Decimal("0.05")},
    ]
    table = reward_rules(spark, *rows)
    days = [date(2025, 12, 31), date(2026, 1, 1), date(2026, 6, 30), date(2026, 7, 1)]
    rates = [Decimal("0.04"), Decimal("0.05"), Decimal("0.05"), Decimal("0.06")]
    assert [rules_until(table, day).current.bonus_rate for day in days] == rates
    assert rules_until(table, date(2026, 1, 1)).current == RULES


def test_day_without_rules_is_an_error_with_its_remedy(spark: SparkSession) -> None:
    table = reward_rules(spark, {"valid_from": date(2026, 1, 1)})
    with pytest.raises(NotReady, match=r"2025-12-31.*insert a row.*reward_rules"):
        rules_until(table, date(2025, 12, 31))


@pytest.mark.parametrize("first", [date(300, 1, 1), date(2025, 1, 1), date(9999, 12, 31)], ids=str)
def test_rules_read_without_spark_are_the_same(lake: Lake, first: date) -> None:
    later = {"valid_from": first, "bonus_rate": Decimal("0.0425")}
    lake.append(reward_rules(lake.spark, later), "silver", "reward_rules")
    for day in (date(2026, 1, 1), date(2026, 12, 31), date(9999, 12, 31)):
        book = current_rules_until(lake.store, day)
        assert book == rules_until(lake.read("silver", "reward_rules"), day)
        assert str(book) == str(rules_until(lake.read("silver", "reward_rules"), day))
    with pytest.raises(NotReady, match="insert a row"):
        current_rules_until(lake.store, date(299, 1, 1))
