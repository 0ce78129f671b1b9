"""Debezium's messages become rows that Postgres reads."""

import json
from datetime import datetime, timezone
from typing import Any

import pytest

from lakehouse.slack import changes

AFTER = {"activity_id": 7, "start_date_local": 1_767_225_600_123_456, "raw_payload": '{"description": "top"}'}


def message(op: str = "c", after: Any = AFTER, **source: int) -> bytes:
    return json.dumps({"op": op, "after": after, "source": source or {"ts_ms": 1_000}}).encode()


@pytest.mark.parametrize("op", ["c", "u", "r"])
def test_a_written_row_is_read_whichever_way_it_came(op: str) -> None:
    change = changes.read(message(op))
    assert change is not None
    assert change.row == {
        "activity_id": 7,
        "start_date_local": "2026-01-01T00:00:00.123456",
        "raw_payload": '{"description": "top"}',
    }


@pytest.mark.parametrize("op", ["d", "t", "m"])
def test_what_writes_no_row_owes_nothing(op: str) -> None:
    assert changes.read(message(op, after=None)) is None
    assert changes.read(None) is None


def test_the_finest_commit_time_is_taken() -> None:
    change = changes.read(message(ts_ms=1_000, ts_us=1_000_250))
    assert change is not None
    assert change.committed_at == datetime(1970, 1, 1, 0, 0, 1, 250, tzinfo=timezone.utc)


def test_an_unchanged_large_payload_stays_to_be_looked_up() -> None:
    change = changes.read(message("u", {"activity_id": 7, "raw_payload": changes.UNAVAILABLE}))
    assert change is not None
    assert change.row["raw_payload"] == changes.UNAVAILABLE


@pytest.mark.parametrize(
    "value",
    [b"not json", b"[]", b"{}", b'"text"', b"\xff", message(after=None), message(after={"activity_id": "x"})],
)
def test_what_cannot_be_read_is_an_error_of_the_reader(value: bytes) -> None:
    with pytest.raises((ValueError, KeyError, TypeError, AttributeError)):
        changes.read(value)
