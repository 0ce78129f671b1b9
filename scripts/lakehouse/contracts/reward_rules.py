"""Contract of reward_rules: each row is in force from its date on."""

from lakehouse.cdc.contract import Rule
from lakehouse.contracts.company import captured_table

REWARD_RULES = captured_table(
    table="reward_rules",
    key=("valid_from",),
    columns={
        "valid_from": "date",
        "bonus_rate": "decimal(6,4)",
        "walk_limit_m": "int",
        "bike_limit_m": "int",
        "min_activities": "int",
        "wellbeing_days": "int",
        "activity_window": "string",
        "destination": "string",
    },
    rules=(Rule("rate_out_of_range", when="bonus_rate < 0 OR bonus_rate > 1", message="taux hors de 0 à 1"),),
)
