"""Contract of strava_activities: activities in the form of Strava's API."""

from lakehouse.cdc.contract import Rule
from lakehouse.contracts.company import captured_table

STRAVA_ACTIVITIES = captured_table(
    table="strava_activities",
    key=("activity_id",),
    subject=("employee_id", "id"),
    columns={
        "activity_id": "bigint",
        "employee_id": "int",
        "name": "string",
        "distance_m": "int",
        "moving_time_s": "int",
        "elapsed_time_s": "int",
        "total_elev_gain_m": "int",
        "type": "string",
        "sport_type": "string",
        "start_date_utc": "timestamp",
        "start_date_local": "timestamp_ntz",
        "timezone": "string",
        "utc_offset_s": "int",
        "commute": "boolean",
        "manual": "boolean",
        "private": "boolean",
        "flagged": "boolean",
        "calories": "int",
        "raw_payload": "string",
        "created_at": "timestamp",
    },
    rules=(
        Rule("employee_missing", when="employee_id IS NULL", message="salarié absent"),
        Rule("start_missing", when="start_date_utc IS NULL", message="date de début absente"),
        Rule("distance_negative", when="distance_m < 0", message="distance négative"),
        Rule("ends_before_start", when="elapsed_time_s < 0", message="se termine avant de commencer"),
        Rule(
            "moving_over_elapsed",
            when="moving_time_s > elapsed_time_s",
            message="en mouvement plus longtemps que la durée",
        ),
        Rule(
            "in_the_future", when="start_date_utc > committed_at + INTERVAL '1' HOUR", message="commence dans le futur"
        ),
        # 25 m/s (90 km/h) is beyond any muscle-powered sport over a whole activity.
        Rule("speed_impossible", when="distance_m > 25.0 * moving_time_s", message="vitesse impossible"),
        Rule(
            "payload_of_another",
            # Compared as text: a payload may contain any value there, and a rule must not fail on it.
            when="get_json_object(raw_payload, '$.athlete.id') <> CAST(employee_id AS VARCHAR(20))",
            message="données d'une autre personne",
        ),
    ),
)
