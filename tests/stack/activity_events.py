"""Change events of activities in Debezium's format, and the rows in Postgres that they refer to."""

import json
import time
from collections.abc import Iterable
from typing import Any

from kafka.consumer.fetcher import ConsumerRecord

from lakehouse.slack import change_events, outbox
from lakehouse.source.postgres import Connection

MICROSECONDS = 1_000_000
# 2026-06-01 12:00 UTC, the commit time of these activities.
COMMITTED_US = 1_780_315_200 * MICROSECONDS

VALID_ACTIVITY: dict[str, Any] = {
    "activity_id": 1,
    "employee_id": 10,
    "name": "Sortie",
    "distance_m": 10_800,
    "moving_time_s": 2_760,
    "elapsed_time_s": 2_800,
    "total_elev_gain_m": 50,
    "type": "Run",
    "sport_type": "Run",
    "start_date_utc": "2026-06-01T10:00:00.000000Z",
    "start_date_local": COMMITTED_US,
    "timezone": "Europe/Paris",
    "utc_offset_s": 7_200,
    "commute": False,
    "manual": False,
    "private": False,
    "flagged": False,
    "calories": 700,
    "raw_payload": '{"athlete": {"id": 10}, "description": null}',
    "created_at": "2026-06-01T11:59:00.000000Z",
}


def activity_event(op: str = "c", committed_us: int = COMMITTED_US, **fields: Any) -> bytes:
    """Return the value of a change event: a valid activity with these fields replaced."""
    source = {"ts_ms": committed_us // 1000, "ts_us": committed_us}
    return json.dumps({"op": op, "before": None, "after": {**VALID_ACTIVITY, **fields}, "source": source}).encode()


def numbered_event(activity_id: int) -> bytes:
    """Return the change event, committed now, of an activity whose Slack message quotes its id."""
    return activity_event(
        committed_us=time.time_ns() // 1000,
        activity_id=activity_id,
        raw_payload=json.dumps({"description": str(activity_id)}),
    )


def poll_result(values: Iterable[bytes]) -> dict[str, list[ConsumerRecord]]:
    """Return messages in the form that KafkaConsumer.poll returns."""
    fields: dict[str, Any] = {**dict.fromkeys(ConsumerRecord._fields), "topic": "t", "partition": 0}
    return {"any": [ConsumerRecord(**{**fields, "offset": n, "value": value}) for n, value in enumerate(values)]}


def insert_employee(conn: Connection, employee_id: int, address: str | None = None, mode: str | None = None) -> None:
    conn.execute(
        "INSERT INTO public.rh_employees (id, nom, prenom, salaire_brut, adresse_complete, moyen_deplacement) "
        "VALUES (%s, 'Mendes', 'Juliette', 30000, %s, %s)",
        [employee_id, address, mode],
    )


def insert_activity(conn: Connection, activity_id: int) -> None:
    """Insert a valid activity of employee 10 whose Slack message quotes its id."""
    insert_activities(conn, [activity_id])


def insert_activities(conn: Connection, activity_ids: Iterable[int]) -> None:
    """Insert valid activities of employee 10 whose Slack messages quote their ids."""
    with conn.transaction():
        conn.execute_many(
            "INSERT INTO public.strava_activities (activity_id, employee_id, distance_m, moving_time_s, "
            "elapsed_time_s, type, sport_type, start_date_utc, raw_payload) "
            "VALUES (%s, 10, 10800, 2760, 2800, 'Run', 'Run', now() - interval '1 hour', %s)",
            [(activity_id, json.dumps({"description": str(activity_id)})) for activity_id in activity_ids],
        )


def insert_and_enqueue(conn: Connection, *activity_ids: int) -> None:
    """Insert valid activities, and enqueue their messages in this order."""
    insert_activities(conn, activity_ids)
    events = [change_events.parse_event(numbered_event(activity_id)) for activity_id in activity_ids]
    outbox.enqueue(conn, [event for event in events if event is not None])


def quoted_ids(texts: Iterable[str]) -> list[int]:
    """Return the activities that messages quote, in their order."""
    return [int(text.split('"')[1]) for text in texts]


def statuses(conn: Connection) -> dict[int, str]:
    """Return the status of each activity's message."""
    return dict(conn.execute("SELECT activity_id, status FROM ops.slack_outbox ORDER BY activity_id").fetchall())


def insert_go_live(conn: Connection, live_since: str = "2026-01-01T00:00:00Z") -> None:
    conn.execute("INSERT INTO ops.go_live (live_since) VALUES (%s)", [live_since])
