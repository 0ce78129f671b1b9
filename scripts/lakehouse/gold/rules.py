"""The rules of reward that hold on a day."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from lakehouse.contracts import TRAVEL_MODES
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

    @property
    def limits_m(self) -> Mapping[str, int]:
        """The limit of each declared mode that is active. A mode that is not here earns no prime."""
        active = {"walking": self.walk_limit_m, "bicycling": self.bike_limit_m}
        return {declared: active[travel] for declared, travel in TRAVEL_MODES.items() if travel in active}


def rules_at(reward_rules: DataFrame, day: date) -> Rules:
    """Give the rules that hold on a day: those of the latest valid_from that is not after it."""
    held = reward_rules.where(F.col("valid_from") <= F.lit(day))
    row = held.orderBy(F.col("valid_from").desc()).select(*Rules.__dataclass_fields__).first()
    if row is None:
        raise NotReady(
            f"no rule of reward holds on {day} in Silver. Run pipeline.py, or insert a row with "
            f"valid_from <= {day} into reward_rules, and refresh again."
        )
    return Rules(**row.asDict())
