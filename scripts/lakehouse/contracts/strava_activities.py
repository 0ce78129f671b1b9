"""Contract of strava_activities: activities in the form of Strava's API."""

from lakehouse.cdc.contract import Rule
from lakehouse.contracts.company import captured_table

# 25 m/s (90 km/h) is beyond any muscle-powered sport over a whole activity.
MAX_SPEED_M_S = 25
# Exports have a moving time of 0 where nobody stopped a clock, and two clocks that differ by seconds.
LONGER_DURATION = "GREATEST(moving_time_s, elapsed_time_s)"
ATHLETE_ID = "get_json_object(raw_payload, '$.athlete.id')"
# A number of which a DECIMAL(38,19) holds each digit, in ASCII: 59019, 59019.0, 5.9019E4. The end stands for the end of
# the text, which the two engines write in different ways: no character follows, not even a line break.
NUMERAL = "^ *[+-]?0*[0-9]{1,10}([.][0-9]{0,10}0*)?([eE][+-]?0*[0-9])? *(?![^0]|0)"

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
            # A decimal, since the sum of two integers may be beyond an integer.
            when="moving_time_s > elapsed_time_s + GREATEST(10, 0.01 * elapsed_time_s)",
            message="en mouvement plus longtemps que la durée",
        ),
        Rule("no_duration", when=f"COALESCE({LONGER_DURATION}, 0) <= 0", message="sans durée"),
        Rule(
            "in_the_future", when="start_date_utc > committed_at + INTERVAL '1' HOUR", message="commence dans le futur"
        ),
        Rule(
            "speed_impossible",
            when=f"{LONGER_DURATION} > 0 AND distance_m > {MAX_SPEED_M_S}.0 * {LONGER_DURATION}",
            message="vitesse impossible",
        ),
        Rule(
            "payload_of_another",
            # Nearly every payload has the id's own digits, and is parsed once. Of the others, only a numeral is cast: a
            # payload may contain any value there, and a rule must not fail on it.
            when=f"CASE WHEN {ATHLETE_ID} = CAST(employee_id AS VARCHAR(11)) THEN FALSE ELSE "
            f"COALESCE(CAST(CASE WHEN regexp_like({ATHLETE_ID}, '{NUMERAL}') THEN {ATHLETE_ID} END "
            f"AS DECIMAL(38,19)) <> employee_id, {ATHLETE_ID} IS NOT NULL AND employee_id IS NOT NULL) END",
            message="données d'une autre personne",
        ),
    ),
)
