"""A requested snapshot is owed until a notification reports that its table was read to its end."""

import json

import pytest

from lakehouse.source.snapshot_notifications import Notification, outcomes, parse_notification

REQUESTED = {"public.a": "one", "public.b": "one"}
BOTH = ("public.a", "public.b")


def scanned(table: str, status: str, signal_id: str = "one") -> Notification:
    return Notification(signal_id, "TABLE_SCAN_COMPLETED", BOTH, table, status)


COMPLETED = Notification("one", "COMPLETED")


def test_notification_is_parsed_from_the_message_of_debezium() -> None:
    message = {
        "id": "one",
        "type": "TABLE_SCAN_COMPLETED",
        "aggregate_type": "Incremental Snapshot",
        "additional_data": {
            "connector_name": "rh_sport",
            "data_collections": "public.a,public.b",
            "scanned_collection": "public.a",
            "total_rows_scanned": "6",
            "status": "SQL_EXCEPTION",
        },
        "timestamp": 1695817046353,
    }
    assert parse_notification(json.dumps(message).encode()) == scanned("public.a", "SQL_EXCEPTION")
    completed = {**message, "type": "COMPLETED", "additional_data": {"connector_name": "rh_sport"}}
    assert parse_notification(json.dumps(completed).encode()) == COMPLETED


@pytest.mark.parametrize(
    "value",
    [
        None,
        b"",
        b"no json",
        b"[]",
        b"null",
        b'{"id": "one"}',
        b'{"id": "one", "type": "COMPLETED", "aggregate_type": "Initial Snapshot", "additional_data": null}',
        b'{"id": "one", "type": "STARTED", "aggregate_type": "Incremental Snapshot", "additional_data": "text"}',
        b"[" * 50_000,
    ],
)
def test_message_that_is_no_such_notification_is_skipped(value: bytes | None) -> None:
    assert parse_notification(value) is None


@pytest.mark.parametrize(
    ("notifications", "expected"),
    [
        ([], {}),
        ([Notification("one", "STARTED", BOTH), Notification("one", "IN_PROGRESS", BOTH)], {}),
        ([scanned("public.a", "SUCCEEDED")], {"public.a": "SUCCEEDED"}),
        ([scanned("public.a", "EMPTY")], {"public.a": "SUCCEEDED"}),
        (
            [scanned("public.a", "SUCCEEDED"), scanned("public.b", "SQL_EXCEPTION"), COMPLETED],
            {"public.a": "SUCCEEDED", "public.b": "SQL_EXCEPTION"},
        ),
        ([scanned("public.a", "UNKNOWN_SCHEMA")], {"public.a": "UNKNOWN_SCHEMA"}),
        ([scanned("public.a", "SKIPPED")], {"public.a": "SKIPPED"}),
        ([COMPLETED], dict.fromkeys(BOTH, "NOT_SCANNED")),
        ([Notification("one", "STARTED", ("public.a",))], {"public.b": "NOT_CAPTURED"}),
        ([Notification("one", "ABORTED")], dict.fromkeys(BOTH, "ABORTED")),
        ([Notification("one", "ABORTED", ("public.b",))], {"public.b": "ABORTED"}),
        ([scanned("public.a", "SUCCEEDED", signal_id="another"), Notification("another", "COMPLETED")], {}),
        ([scanned("public.a", "SUCCEEDED"), scanned("public.a", "SQL_EXCEPTION")], {"public.a": "SUCCEEDED"}),
        ([scanned("public.a", "SQL_EXCEPTION"), scanned("public.a", "SUCCEEDED")], {"public.a": "SUCCEEDED"}),
    ],
)
def test_outcome_of_a_snapshot_is_the_status_of_its_tables_scan(
    notifications: list[Notification], expected: dict[str, str]
) -> None:
    assert outcomes(notifications, REQUESTED) == expected
