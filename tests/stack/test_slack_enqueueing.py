"""A message is enqueued once for each activity that is valid, not private and created after go-live."""

from typing import Any

import pytest

from lakehouse.contracts import STRAVA_ACTIVITIES
from lakehouse.slack import change_events, notifier, outbox
from lakehouse.source import postgres
from stack.activity_events import (
    COMMITTED_US,
    MICROSECONDS,
    activity_event,
    poll_result,
)

# For each rule of the contract, fields that violate it.
REFUSED_BY_RULE: dict[str, dict[str, Any]] = {
    "employee_missing": {"employee_id": None},
    "start_missing": {"start_date_utc": None},
    "distance_negative": {"distance_m": -1},
    "ends_before_start": {"elapsed_time_s": -60, "moving_time_s": None},
    "moving_over_elapsed": {"moving_time_s": 2_829},
    "no_duration": {"moving_time_s": 0, "elapsed_time_s": None},
    "in_the_future": {"start_date_utc": "2026-06-01T13:00:00.000001Z"},
    "speed_impossible": {"distance_m": 25 * 2_800 + 1},
    "payload_of_another": {"raw_payload": '{"athlete": {"id": 11}}'},
}


def enqueue(conn: postgres.Connection, *messages: bytes) -> list[int]:
    events = [change_events.parse_event(message) for message in messages]
    return outbox.enqueue(conn, [event for event in events if event is not None])


def test_valid_activity_is_enqueued(live_conn: postgres.Connection) -> None:
    assert enqueue(live_conn, activity_event(activity_id=3)) == [3]
    assert outbox.list_messages(live_conn) == [
        ("pending", "Bravo Juliette Mendes ! Tu viens de courir 10,8 km en 46 min ! Quelle énergie ! 🔥🏅", None)
    ]


def test_every_contract_rule_has_a_refused_example() -> None:
    assert {rule.name for rule in STRAVA_ACTIVITIES.rules} == set(REFUSED_BY_RULE)


@pytest.mark.parametrize("rule", REFUSED_BY_RULE)
def test_refused_activity_is_not_enqueued(live_conn: postgres.Connection, rule: str) -> None:
    assert enqueue(live_conn, activity_event(**REFUSED_BY_RULE[rule])) == []


@pytest.mark.parametrize(
    "fields",
    [
        {"start_date_utc": "2026-06-01T13:00:00.000000Z"},  # exactly an hour after its commit
        {"distance_m": 25 * 2_800},
        {"moving_time_s": 2_828},
        {"distance_m": None, "moving_time_s": None, "elapsed_time_s": 1, "calories": None},
        {"raw_payload": '{"athlete": {"id": 10.0}}'},
        {"raw_payload": '{"athlete": {"id": "10"}}'},
        {"raw_payload": None},
        {"raw_payload": '{"description": "sans athlète"}'},
        {"flagged": True},
    ],
)
def test_activity_at_the_limit_or_with_null_fields_is_enqueued(
    live_conn: postgres.Connection, fields: dict[str, Any]
) -> None:
    assert enqueue(live_conn, activity_event(**fields)) == [1]


def test_activity_typed_in_by_hand_is_announced_with_its_elapsed_time(live_conn: postgres.Connection) -> None:
    typed_in = activity_event(activity_id=3, distance_m=12_000, moving_time_s=0, elapsed_time_s=3_600)
    assert enqueue(live_conn, typed_in) == [3]
    [(_, text, _)] = outbox.list_messages(live_conn)
    assert text == "Bravo Juliette Mendes ! Tu viens de courir 12 km en 1 h ! Quelle énergie ! 🔥🏅"
    live_conn.execute(
        "INSERT INTO public.strava_activities (activity_id, employee_id, distance_m, moving_time_s, elapsed_time_s, "
        "sport_type, start_date_utc) VALUES (3, 10, 12000, 0, 3600, 'Run', '2026-06-01T10:00:00Z')"
    )
    at_sending = outbox.next_pending(live_conn)
    assert at_sending is not None
    assert at_sending.message == text


def test_refused_activity_is_enqueued_once_corrected(live_conn: postgres.Connection) -> None:
    assert enqueue(live_conn, activity_event(distance_m=-5)) == []
    assert enqueue(live_conn, activity_event("u")) == [1]


def test_activity_is_judged_by_its_row_at_the_change(live_conn: postgres.Connection) -> None:
    later = activity_event("u", committed_us=COMMITTED_US + 3_600 * MICROSECONDS, distance_m=-1)
    assert enqueue(live_conn, activity_event(), later) == [1]


def test_private_activity_is_not_enqueued(live_conn: postgres.Connection) -> None:
    assert enqueue(live_conn, activity_event(private=True)) == []
    assert enqueue(live_conn, activity_event(private=None)) == []


def test_activity_created_before_or_at_go_live_is_not_enqueued(live_conn: postgres.Connection) -> None:
    assert enqueue(live_conn, activity_event(created_at="2025-12-31T23:59:59.999999Z")) == []
    assert enqueue(live_conn, activity_event(created_at="2026-01-01T00:00:00Z")) == []
    assert enqueue(live_conn, activity_event(created_at="2026-01-01T00:00:00.000001Z")) == [1]


def test_snapshot_insert_and_update_of_an_activity_enqueue_one_message(live_conn: postgres.Connection) -> None:
    assert enqueue(live_conn, activity_event("r"), activity_event("c"), activity_event("u")) != []
    assert enqueue(live_conn, activity_event("u", distance_m=5_000)) == []
    assert len(outbox.list_messages(live_conn)) == 1


def test_activity_of_a_former_employee_is_not_enqueued(live_conn: postgres.Connection) -> None:
    assert enqueue(live_conn, activity_event(employee_id=11, raw_payload=None)) == []


def test_messages_are_queued_in_the_order_of_the_changes(live_conn: postgres.Connection) -> None:
    assert enqueue(live_conn, *(activity_event(activity_id=n) for n in (9, 2, 7))) == [9, 2, 7]
    order = live_conn.execute("SELECT activity_id FROM ops.slack_outbox ORDER BY enqueued_at, activity_id").fetchall()
    assert order == [(9,), (2,), (7,)]


def test_toasted_payload_is_read_from_postgres(live_conn: postgres.Connection) -> None:
    live_conn.execute(
        "INSERT INTO public.strava_activities (activity_id, employee_id, raw_payload) "
        """VALUES (1, 10, '{"athlete": {"id": 11}}'), (2, 10, '{"athlete": {"id": 10}, "description": "Top"}')"""
    )
    assert enqueue(live_conn, activity_event("u", activity_id=1, raw_payload=change_events.UNAVAILABLE)) == []
    assert enqueue(live_conn, activity_event("u", activity_id=2, raw_payload=change_events.UNAVAILABLE)) == [2]
    assert '("Top")' in outbox.list_messages(live_conn)[0][1]


def test_deeply_nested_payload_is_read(live_conn: postgres.Connection) -> None:
    deep = '{"a": ' * 2_000 + "{}" + "}" * 2_000
    live_conn.execute(
        "INSERT INTO public.strava_activities (activity_id, employee_id, raw_payload) VALUES (1, 10, %s)", [deep]
    )
    assert enqueue(live_conn, activity_event(raw_payload=deep)) == [1]


def test_undecodable_message_does_not_block_the_others(live_conn: postgres.Connection) -> None:
    values = [
        activity_event(activity_id=1),
        b"not json",
        activity_event(activity_id=2, distance_m="far"),
        activity_event(activity_id=3, name="\x00"),
        activity_event(activity_id=4, start_date_local=10**30),
        activity_event(activity_id=5, created_at="yesterday-ish"),
        activity_event(activity_id=6, raw_payload="{"),
        activity_event(activity_id=7, raw_payload="[" * 50_000),
        activity_event(activity_id=8),
    ]
    notifier.enqueue_from_topic(live_conn, poll_result(values))
    assert live_conn.execute("SELECT activity_id FROM ops.slack_outbox ORDER BY enqueued_at").fetchall() == [(1,), (8,)]
