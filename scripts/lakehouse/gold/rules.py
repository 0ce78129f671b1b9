"""Reward rules: their values, and which row is in force on a day."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from datetime import date
from decimal import Decimal
from operator import itemgetter
from typing import Any

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from lakehouse.cdc import table_query
from lakehouse.cdc.table_store import TableStore
from lakehouse.contracts import REWARD_RULES
from lakehouse.contracts.company import RUN_REFRESH
from lakehouse.errors import NotReady
from lakehouse.spark.literals import lit


@dataclass(frozen=True)
class Rules:
    """One row of reward_rules. The rate is a fraction (0.05 for 5 %); limits are in metres."""

    bonus_rate: Decimal
    walk_limit_m: int
    bike_limit_m: int
    min_activities: int
    wellbeing_days: int
    activity_window: str
    destination: str


RULE_COLUMNS = ("valid_from", *(field.name for field in fields(Rules)))


@dataclass(frozen=True)
class RuleBook:
    """At least one set of rules, each with the day from which it is in force, the earliest first."""

    rows: Sequence[tuple[date, Rules]]

    @property
    def current(self) -> Rules:
        """The rules in force on the last day of the book."""
        return self.rows[-1][1]

    def value(self, name: str, day: Column) -> Column:
        """Return the value of a rule in force on a day; days before the first rules get the first value."""
        (_, first), *later = self.rows
        rule_value = lit(getattr(first, name))
        for valid_from, rules in later:
            rule_value = F.when(day >= lit(valid_from), lit(getattr(rules, name))).otherwise(rule_value)
        return rule_value


def rules_until(reward_rules: DataFrame, day: date) -> RuleBook:
    """Return the rules in force from `day` or earlier, collected to the driver: they are few.

    Raises NotReady where there are none.
    """
    return _rule_book((tuple(row) for row in reward_rules.select(*RULE_COLUMNS).collect()), day)


def current_rules_until(store: TableStore, day: date) -> RuleBook:
    """Return Silver's current rules in force from `day` or earlier, without a job of Spark's.

    Raises NotReady where there are none.
    """
    rows = table_query.query_all(
        store,
        f"SELECT {', '.join(RULE_COLUMNS)} FROM rules",  # noqa: S608 - of names of our own
        rules=("silver", REWARD_RULES.table),
    )
    return _rule_book((tuple(row[name] for name in RULE_COLUMNS) for row in rows), day)


def _rule_book(rows: Iterable[tuple[Any, ...]], day: date) -> RuleBook:
    in_force = [(valid_from, Rules(*values)) for valid_from, *values in rows if valid_from <= day]
    if not in_force:
        raise NotReady(
            f"no reward rule is in force on {day} in Silver. Run python scripts/ETL_Full_Load/pipeline.py, "
            f"or insert a row with valid_from <= {day} into reward_rules. Then refresh again: {RUN_REFRESH}."
        )
    return RuleBook(sorted(in_force, key=itemgetter(0)))
