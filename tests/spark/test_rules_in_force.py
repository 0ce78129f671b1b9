"""Reward rules are data: each row is in force from its date on."""

from datetime import date
from decimal import Decimal

import pytest
from pyspark.sql import SparkSession

from lakehouse.errors import NotReady
from lakehouse.gold.rules import rules_until
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
