"""The sport each employee says to practise."""

from lakehouse.cdc.contract import Contract

SPORT_ACTIVITIES = Contract(
    table="sport_activities",
    key=("id",),
    columns={"id": "int", "pratique_sport": "string"},
)
