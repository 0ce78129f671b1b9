"""Contract of sport_activities: the sport that each employee declares."""

from lakehouse.cdc.contract import Contract

SPORT_ACTIVITIES = Contract(
    table="sport_activities",
    key=("id",),
    columns={"id": "int", "pratique_sport": "string"},
)
