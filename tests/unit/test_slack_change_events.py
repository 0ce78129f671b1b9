"""Debezium's change events are parsed into rows that Postgres reads."""

import json
from datetime import datetime, timezone
from typing import Any

import pytest

from lakehouse.slack import change_events

AFTER = {"activity_id": 7, "start_date_local": 1_767_225_600_123_456, "raw_payload": '{"description": "top"}'}


def message(op: str = "c", after: Any = AFTER, **source: int) -> bytes:
    return json.dumps({"op": op, "after": after, "source": source or {"ts_ms": 1_000}}).encode()


@pytest.mark.parametrize("op", ["c", "u", "r"])
def test_create_update_and_snapshot_events_give_a_row(op: str) -> None:
    change = change_events.parse_event(message(op))
    assert change is not None
    assert change.row == {
        "activity_id": 7,
        "start_date_local": "2026-01-01T00:00:00.123456",
        "raw_payload": '{"description": "top"}',
    }


@pytest.mark.parametrize("op", ["d", "t", "m"])
def test_delete_truncate_and_tombstone_events_give_no_row(op: str) -> None:
    assert change_events.parse_event(message(op, after=None)) is None
    assert change_events.parse_event(None) is None


def test_commit_time_is_in_microseconds_if_present() -> None:
    change = change_events.parse_event(message(ts_ms=1_000, ts_us=1_000_250))
    assert change is not None
    assert change.committed_at == datetime(1970, 1, 1, 0, 0, 1, 250, tzinfo=timezone.utc)


def test_toasted_payload_keeps_its_placeholder() -> None:
    change = change_events.parse_event(message("u", {"activity_id": 7, "raw_payload": change_events.UNAVAILABLE}))
    assert change is not None
    assert change.row["raw_payload"] == change_events.UNAVAILABLE


def test_payload_as_a_string_is_not_parsed_at_any_depth() -> None:
    change = change_events.parse_event(message(after={**AFTER, "raw_payload": "[" * 50_000}))
    assert change is not None
    assert change.row["raw_payload"] == "[" * 50_000


@pytest.mark.parametrize(
    "value",
    [b"not json", b"[]", b"{}", b'"text"', b"\xff", message(after=None), message(after={"activity_id": "x"})],
)
def test_undecodable_slack_event_raises_an_error(value: bytes) -> None:
    with pytest.raises((ValueError, KeyError, TypeError, AttributeError)):
        change_events.parse_event(value)
