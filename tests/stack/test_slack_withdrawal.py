"""A message says what still holds when it is sent: its activity is read and checked again at that moment."""

import json
from typing import Any

import pytest

from lakehouse.slack import change_events, outbox
from lakehouse.slack.dispatcher import Sender
from lakehouse.source import postgres
from stack.activity_events import activity_event, insert_activities, insert_and_enqueue, numbered_event, statuses
from support.fake_slack import Answer, FakeSlack

HOUR_US = 3_600_000_000


def send_all(sender: Sender, conn: postgres.Connection) -> None:
    while sender.send_one(conn) is not None:
        pass


def reason(conn: postgres.Connection, activity_id: int) -> str | None:
    row = conn.execute("SELECT reason FROM ops.slack_outbox WHERE activity_id = %s", [activity_id]).fetchone()
    assert row is not None
    text: str | None = row[0]
    return text


def enqueue(conn: postgres.Connection, value: bytes) -> list[int]:
    event = change_events.parse_event(value)
    assert event is not None
    return outbox.enqueue(conn, [event])


@pytest.mark.parametrize(
    ("statement", "expected"),
    [
        ("DELETE FROM strava_activities WHERE activity_id = 1", "deleted: the activity, or its employee"),
        ("UPDATE strava_activities SET private = true WHERE activity_id = 1", "private"),
        ("UPDATE strava_activities SET distance_m = -1 WHERE activity_id = 1", "refused: distance_negative"),
        ("UPDATE strava_activities SET moving_time_s = 9999 WHERE activity_id = 1", "refused: moving_over_elapsed"),
        ("UPDATE strava_activities SET distance_m = 999999 WHERE activity_id = 1", "refused: speed_impossible"),
        ("UPDATE strava_activities SET start_date_utc = NULL WHERE activity_id = 1", "refused: start_missing"),
        (
            "UPDATE strava_activities SET start_date_utc = now() + interval '2 h' WHERE activity_id = 1",
            "refused: in_the_future",
        ),
        (
            """UPDATE strava_activities SET raw_payload = '{"athlete": {"id": 11}}' WHERE activity_id = 1""",
            "refused: payload_of_another",
        ),
    ],
)
def test_message_of_an_activity_that_no_longer_holds_is_withdrawn(
    own_slack: FakeSlack, sender: Sender, live_conn: postgres.Connection, statement: str, expected: str
) -> None:
    insert_and_enqueue(live_conn, 1, 2)
    live_conn.execute(statement)
    send_all(sender, live_conn)
    assert statuses(live_conn) == {1: "withdrawn", 2: "sent"}
    assert str(reason(live_conn, 1)).startswith(expected)
    assert own_slack.posted == 1
    assert live_conn.execute("SELECT message FROM ops.slack_outbox WHERE activity_id = 1").fetchone() == ("",)


def test_messages_of_an_erased_employee_are_withdrawn(
    own_slack: FakeSlack, sender: Sender, live_conn: postgres.Connection
) -> None:
    insert_and_enqueue(live_conn, 1, 2)
    live_conn.execute("DELETE FROM rh_employees WHERE id = 10")
    send_all(sender, live_conn)
    assert statuses(live_conn) == {1: "withdrawn", 2: "withdrawn"}
    assert own_slack.posted == 0


def test_message_that_turns_private_while_it_waits_for_slack_is_withdrawn_at_the_retry(
    own_slack: FakeSlack, sender: Sender, live_conn: postgres.Connection
) -> None:
    insert_and_enqueue(live_conn, 1, 2)
    own_slack.expect(Answer(404, b"no_service"))
    sender.send_one(live_conn)
    live_conn.execute("UPDATE strava_activities SET private = true WHERE activity_id = 1")
    assert sender.send_one(live_conn) is None
    assert statuses(live_conn) == {1: "pending", 2: "pending"}
    live_conn.execute("UPDATE ops.slack_outbox SET next_attempt_at = now()")
    send_all(sender, live_conn)
    assert statuses(live_conn) == {1: "withdrawn", 2: "sent"}


def test_corrected_activity_is_announced_as_it_is_now(
    own_slack: FakeSlack, sender: Sender, live_conn: postgres.Connection
) -> None:
    insert_and_enqueue(live_conn, 1)
    live_conn.execute(
        "UPDATE strava_activities SET distance_m = 5200, raw_payload = %s", [json.dumps({"description": "corrigé"})]
    )
    live_conn.execute("UPDATE rh_employees SET prenom = 'Julie'")
    send_all(sender, live_conn)
    [text] = own_slack.texts
    assert "5,2 km" in text
    assert '("corrigé")' in text
    assert "Julie Mendes" in text
    assert outbox.list_messages(live_conn) == [("sent", text, "200 ok")]


@pytest.mark.parametrize(
    "change", ["UPDATE strava_activities SET private = true", "UPDATE strava_activities SET distance_m = -1"]
)
def test_withdrawn_activity_is_announced_once_a_later_change_makes_it_acceptable(
    own_slack: FakeSlack, sender: Sender, live_conn: postgres.Connection, change: str
) -> None:
    insert_and_enqueue(live_conn, 1)
    live_conn.execute(change)
    send_all(sender, live_conn)
    live_conn.execute("UPDATE strava_activities SET private = false, distance_m = 10800")
    assert enqueue(live_conn, numbered_event(1)) == [1]
    send_all(sender, live_conn)
    assert statuses(live_conn) == {1: "sent"}
    assert reason(live_conn, 1) is None
    assert enqueue(live_conn, numbered_event(1)) == []
    assert own_slack.posted == 1


def test_activity_corrected_after_its_first_commit_is_judged_by_the_commit_of_its_correction(
    own_slack: FakeSlack, sender: Sender, live_conn: postgres.Connection
) -> None:
    """Correct the start to later than an hour after the first commit; the event of the correction is not read yet."""
    insert_activities(live_conn, [1])
    enqueue(live_conn, _committed_ago(live_conn, hours=5))
    live_conn.execute("UPDATE strava_activities SET start_date_utc = now() - interval '2 hours'")
    send_all(sender, live_conn)
    assert statuses(live_conn) == {1: "sent"}
    assert own_slack.posted == 1


def test_event_of_a_later_change_brings_its_commit_time_into_the_outbox(live_conn: postgres.Connection) -> None:
    insert_activities(live_conn, [1])
    earlier, later = (_committed_ago(live_conn, hours=hours) for hours in (5, 2))
    stored = "SELECT (now() - committed_at) < interval '3 hours' FROM ops.slack_outbox"
    enqueue(live_conn, earlier)
    assert live_conn.execute(stored).fetchone() == (False,)
    for value in (later, earlier):
        enqueue(live_conn, value)
        assert live_conn.execute(stored).fetchone() == (True,)


def test_rules_hold_as_of_the_commit_that_postgres_remembers(
    own_slack: FakeSlack, sender: Sender, live_conn: postgres.Connection
) -> None:
    insert_and_enqueue(live_conn, 1)
    live_conn.execute("UPDATE strava_activities SET start_date_utc = now() + interval '90 minutes'")
    live_conn.execute("UPDATE ops.slack_outbox SET committed_at = now() + interval '2 hours'")
    send_all(sender, live_conn)
    assert statuses(live_conn) == {1: "withdrawn"}
    assert own_slack.posted == 0


def _committed_ago(conn: postgres.Connection, hours: int, **fields: Any) -> bytes:
    row = conn.execute("SELECT (extract(epoch FROM now()) * 1000000)::bigint").fetchone()
    assert row is not None
    return activity_event(committed_us=row[0] - hours * HOUR_US, **fields)
