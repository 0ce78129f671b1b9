"""A message whose processing fails is skipped by its offset; a lost connection is no message's failure."""

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, cast

import pytest
from structlog.testing import capture_logs

from lakehouse.slack import notifier
from lakehouse.source import postgres
from stack.activity_events import activity_event, poll_result

DEPTH = 50_000
NESTED = "[" * DEPTH + "]" * DEPTH


def with_nested(field: str) -> bytes:
    """Return a change event with a value in `after` that is nested too deeply for Python."""
    fields: dict[str, Any] = {field: "NESTED"}
    return activity_event(**fields).replace(b'"NESTED"', NESTED.encode())


POISON_MESSAGES = {
    "no json": b"not json",
    "no utf-8": b"\xff\xfe",
    "nested name": with_nested("name"),
    "nested payload": with_nested("raw_payload"),
    "nested key": with_nested("activity_id"),
    "nested event": NESTED.encode(),
    "unclosed": b'{"a":' * DEPTH,
    "nested source": b'{"op": "c", "after": {"activity_id": 1}, "source": ' + NESTED.encode() + b"}",
    "nested op": b'{"op": ' + NESTED.encode() + b"}",
    "huge integer": activity_event(distance_m=0).replace(b'"distance_m": 0', b'"distance_m": ' + b"9" * 50_000),
    "no commit time": b'{"op": "c", "after": {"activity_id": 1}, "source": {}}',
    "commit time is text": b'{"op": "c", "after": {"activity_id": 1}, "source": {"ts_us": "noon"}}',
    "commit time out of range": activity_event(committed_us=10**30),
    "local start out of range": activity_event(start_date_local=-(10**30)),
    "local start is infinite": activity_event(start_date_local=float("inf")),
    "key is a list": activity_event(activity_id=[1]),
    "after is text": json.dumps({"op": "c", "after": "text", "source": {"ts_us": 1}}).encode(),
}


class FakeConnection:
    """A connection whose statements fail with `error` if a row of theirs has the id of `poison`."""

    def __init__(self, error: Exception | None = None, poison: int = 0, *, lost: bool = False) -> None:
        self.error, self.poison, self.lost = error, poison, lost
        self.enqueued: list[int] = []

    @contextmanager
    def transaction(self) -> Iterator[None]:
        yield

    def execute(self, _statement: object, values: Any = None) -> "FakeConnection":
        if self.lost and values is None:
            raise postgres.OperationalError("server closed the connection unexpectedly")
        if isinstance(values, dict):
            ids = [row.adapted["activity_id"] for row in values["rows"]]
            if self.error is not None and self.poison in ids:
                raise self.error
            self.enqueued += ids
        return self

    def execute_many(self, _statement: object, rows: Sequence[object]) -> None:
        assert list(rows) == []

    def fetchall(self) -> list[tuple[object, ...]]:
        return []


def enqueue(conn: FakeConnection, *values: bytes) -> list[dict[str, Any]]:
    """Enqueue messages, and return the logged events of those that were skipped."""
    with capture_logs() as logs:
        notifier.enqueue_from_topic(cast("postgres.Connection", conn), poll_result(values))
    return [dict(line) for line in logs if line["event"] == "unreadable_event_skipped"]


@pytest.mark.parametrize("kind", POISON_MESSAGES)
def test_message_whose_parsing_raises_anything_is_skipped_by_its_offset(kind: str) -> None:
    conn = FakeConnection()
    skipped = enqueue(conn, activity_event(activity_id=1), POISON_MESSAGES[kind], activity_event(activity_id=3))
    assert conn.enqueued == [1, 3]
    assert [line["offset"] for line in skipped] == [1]


@pytest.mark.parametrize(
    "error",
    [
        RecursionError("maximum recursion depth"),
        ValueError("no"),
        TypeError("no"),
        UnicodeEncodeError("a", "b", 0, 1, "c"),
    ],
)
def test_message_whose_enqueueing_raises_an_error_of_python_is_skipped_by_its_offset(error: Exception) -> None:
    conn = FakeConnection(error, poison=2)
    skipped = enqueue(conn, *(activity_event(activity_id=n) for n in (1, 2, 3)))
    assert conn.enqueued == [1, 3]
    assert [(line["offset"], line["error"]) for line in skipped] == [(1, type(error).__name__)]


@pytest.mark.parametrize(
    "error",
    [
        postgres.OperationalError("server closed the connection unexpectedly"),
        postgres.errors.AdminShutdown("terminating connection"),
        postgres.errors.ReadOnlySqlTransaction("read-only"),
        postgres.errors.UndefinedColumn("committed_at"),
        postgres.errors.InsufficientPrivilege("ops"),
    ],
)
def test_outage_or_missing_right_of_postgres_skips_no_message(error: Exception) -> None:
    conn = FakeConnection(error, poison=1)
    with pytest.raises(type(error)):
        enqueue(conn, activity_event(activity_id=1))


def test_connection_lost_at_a_poison_message_skips_no_message() -> None:
    conn = FakeConnection(RecursionError("maximum recursion depth"), poison=1, lost=True)
    with pytest.raises(postgres.OperationalError):
        enqueue(conn, activity_event(activity_id=1))
