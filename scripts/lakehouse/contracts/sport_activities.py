"""Contract of sport_activities: the sport that each employee declares."""

from lakehouse.contracts.company import captured_table

SPORT_ACTIVITIES = captured_table(
    table="sport_activities",
    key=("id",),
    subject=("id", "id"),
    columns={"id": "int", "pratique_sport": "string"},
)
