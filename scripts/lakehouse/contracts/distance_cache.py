"""Contract of distance_cache: commuting distances from home to work, written by the distance worker."""

from lakehouse.cdc.contract import Rule
from lakehouse.contracts.company import captured_table

DISTANCE_CACHE = captured_table(
    table="distance_cache",
    key=("id",),
    subject=("origin_address", "adresse_complete"),
    columns={
        "id": "int",
        "origin_address": "string",
        "destination_address": "string",
        "travel_mode": "string",
        "distance_m": "int",
        "duration_s": "int",
        "provider": "string",
        "status": "string",
        "error_message": "string",
        "last_updated": "timestamp",
    },
    rules=(Rule("distance_negative", when="distance_m < 0", message="distance négative"),),
)
