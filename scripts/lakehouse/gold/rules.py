"""The rules of reward: what each row says, and which of them holds on a day."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from lakehouse.errors import NotReady


@dataclass(frozen=True)
class Rules:
    """One row of reward_rules: the rate is a fraction (0.05), limits are metres."""

    bonus_rate: Decimal
    walk_limit_m: int
    bike_limit_m: int
    min_activities: int
    wellbeing_days: int
    activity_window: str
    destination: str


@dataclass(frozen=True)
class RuleBook:
    """The rules up to a day, each with the day that it holds from; the earliest first, and at least one."""

    rows: Sequence[tuple[date, Rules]]

    @property
    def current(self) -> Rules:
        """The rules that hold on the day that the book goes up to."""
        return self.rows[-1][1]

    def value(self, name: str, day: Column) -> Column:
        """Give one of the rules' values as it holds on a day; of days before the first rules, theirs."""
        (_, first), *later = self.rows
        rule_value = F.lit(getattr(first, name))
        for valid_from, rules in later:
            rule_value = F.when(day >= F.lit(valid_from), F.lit(getattr(rules, name))).otherwise(rule_value)
        return rule_value


def rules_until(reward_rules: DataFrame, day: date) -> RuleBook:
    """Give the rules that have begun by a day; NotReady where none has.

    They are parameters, few enough to be held here.
    """
    begun = reward_rules.where(F.col("valid_from") <= F.lit(day)).orderBy("valid_from")
    rows = begun.select("valid_from", *Rules.__dataclass_fields__).collect()
    if not rows:
        raise NotReady(
            f"no rule of reward holds on {day} in Silver. Run pipeline.py, or insert a row with "
            f"valid_from <= {day} into reward_rules, and refresh again."
        )
    return RuleBook([(valid_from, Rules(*values)) for valid_from, *values in rows])
