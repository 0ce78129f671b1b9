"""Owed a message: each activity that its contract accepts, not private, created after go-live, once."""

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

from lakehouse.contracts import STRAVA_ACTIVITIES
from lakehouse.settings import Settings
from lakehouse.slack import changes, notifier, outbox
from lakehouse.source import postgres
from stack.activities import COMMITTED_US, MICROSECONDS, employ, go_live, message, polled

# One row for each of the contract's rules, breaking that rule.
REFUSED: dict[str, dict[str, Any]] = {
    "employee_missing": {"employee_id": None},
    "start_missing": {"start_date_utc": None},
    "distance_negative": {"distance_m": -1},
    "ends_before_start": {"elapsed_time_s": -60, "moving_time_s": None},
    "moving_over_elapsed": {"moving_time_s": 2_801},
    "in_the_future": {"start_date_utc": "2026-06-01T13:00:00.000001Z"},
    "speed_impossible": {"distance_m": 25 * 2_760 + 1},
    "payload_of_another": {"raw_payload": '{"athlete": {"id": 11}}'},
}


@pytest.fixture
def conn(database: Settings) -> Iterator[psycopg.Connection]:
    with postgres.connect(database, autocommit=True) as conn:
        employ(conn, 10)
        go_live(conn)
        yield conn


def owed(conn: psycopg.Connection, *messages: bytes) -> list[int]:
    read = [changes.read(message) for message in messages]
    return outbox.owe(conn, [change for change in read if change is not None])


def test_a_good_activity_is_owed_its_message(conn: psycopg.Connection) -> None:
    assert owed(conn, message(activity_id=3)) == [3]
    assert outbox.messages(conn) == [
        ("pending", "Bravo Juliette Mendes ! Tu viens de courir 10,8 km en 46 min ! Quelle énergie ! 🔥🏅", None)
    ]


def test_each_rule_of_the_contract_has_its_case_here() -> None:
    assert {rule.name for rule in STRAVA_ACTIVITIES.rules} == set(REFUSED)


@pytest.mark.parametrize("rule", REFUSED)
def test_what_the_contract_refuses_is_owed_nothing(conn: psycopg.Connection, rule: str) -> None:
    assert owed(conn, message(**REFUSED[rule])) == []


@pytest.mark.parametrize(
    "changed",
    [
        {"start_date_utc": "2026-06-01T13:00:00.000000Z"},  # an hour ahead of its commit, and not later
        {"distance_m": 25 * 2_760},
        {"moving_time_s": 2_800},
        {"distance_m": None, "moving_time_s": None, "elapsed_time_s": None, "calories": None},
        {"raw_payload": None},
        {"raw_payload": '{"description": "sans athlète"}'},
        {"flagged": True},
    ],
)
def test_what_is_just_within_the_rules_or_says_nothing_is_owed_its_message(
    conn: psycopg.Connection, changed: dict[str, Any]
) -> None:
    assert owed(conn, message(**changed)) == [1]


def test_what_was_refused_and_is_mended_is_owed_then(conn: psycopg.Connection) -> None:
    assert owed(conn, message(distance_m=-5)) == []
    assert owed(conn, message("u")) == [1]


def test_the_row_counts_as_it_was_at_its_change(conn: psycopg.Connection) -> None:
    later = message("u", committed_us=COMMITTED_US + 3_600 * MICROSECONDS, distance_m=-1)
    assert owed(conn, message(), later) == [1]


def test_a_private_activity_is_owed_nothing(conn: psycopg.Connection) -> None:
    assert owed(conn, message(private=True)) == []
    assert owed(conn, message(private=None)) == []


def test_what_was_created_before_or_at_go_live_is_owed_nothing(conn: psycopg.Connection) -> None:
    assert owed(conn, message(created_at="2025-12-31T23:59:59.999999Z")) == []
    assert owed(conn, message(created_at="2026-01-01T00:00:00Z")) == []
    assert owed(conn, message(created_at="2026-01-01T00:00:00.000001Z")) == [1]


def test_every_way_an_activity_comes_is_the_same_message_once(conn: psycopg.Connection) -> None:
    assert owed(conn, message("r"), message("c"), message("u")) != []
    assert owed(conn, message("u", distance_m=5_000)) == []
    assert len(outbox.messages(conn)) == 1


def test_nobody_is_cheered_who_has_left(conn: psycopg.Connection) -> None:
    assert owed(conn, message(employee_id=11, raw_payload=None)) == []


def test_messages_are_queued_in_the_order_of_the_changes(conn: psycopg.Connection) -> None:
    assert owed(conn, *(message(activity_id=n) for n in (9, 2, 7))) == [9, 2, 7]
    order = conn.execute("SELECT activity_id FROM ops.slack_outbox ORDER BY owed_at, activity_id").fetchall()
    assert order == [(9,), (2,), (7,)]


def test_an_unchanged_large_payload_is_looked_up(conn: psycopg.Connection) -> None:
    conn.execute(
        "INSERT INTO public.strava_activities (activity_id, employee_id, raw_payload) "
        """VALUES (1, 10, '{"athlete": {"id": 11}}'), (2, 10, '{"athlete": {"id": 10}, "description": "Top"}')"""
    )
    assert owed(conn, message("u", activity_id=1, raw_payload=changes.UNAVAILABLE)) == []
    assert owed(conn, message("u", activity_id=2, raw_payload=changes.UNAVAILABLE)) == [2]
    assert '("Top")' in outbox.messages(conn)[0][1]


def test_a_payload_is_read_however_deep_it_is(conn: psycopg.Connection) -> None:
    deep = '{"a": ' * 2_000 + "{}" + "}" * 2_000
    conn.execute(
        "INSERT INTO public.strava_activities (activity_id, employee_id, raw_payload) VALUES (1, 10, %s)", [deep]
    )
    assert owed(conn, message(raw_payload=deep)) == [1]


def test_a_message_that_cannot_be_read_holds_up_no_other(conn: psycopg.Connection) -> None:
    values = [
        message(activity_id=1),
        b"not json",
        message(activity_id=2, distance_m="far"),
        message(activity_id=3, name="\x00"),
        message(activity_id=4, start_date_local=10**30),
        message(activity_id=5, created_at="yesterday-ish"),
        message(activity_id=6, raw_payload="{"),
        message(activity_id=7, raw_payload="[" * 50_000),
        message(activity_id=8),
    ]
    notifier.take_in(conn, polled(values))
    assert conn.execute("SELECT activity_id FROM ops.slack_outbox ORDER BY owed_at").fetchall() == [(1,), (8,)]
