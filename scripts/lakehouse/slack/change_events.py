"""Debezium's change events of activities, parsed as far as the outbox needs them."""

import json
from collections.abc import Mapping
from datetime import datetime, timedelta, timezone
from typing import Any, NamedTuple

from lakehouse.contracts import STRAVA_ACTIVITIES

# Debezium's placeholder for a TOASTed value that did not change.
UNAVAILABLE = "__debezium_unavailable_value"
EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
UPSERTS = ("c", "u", "r")
_TIMESTAMP_NTZ_COLUMNS = tuple(name for name, kind in STRAVA_ACTIVITIES.columns.items() if kind == "timestamp_ntz")


class ChangeEvent(NamedTuple):
    """A row after its change, as JSON that Postgres casts to the table's row type, and its commit time.

    The payload stays a string: Postgres parses it at any depth of nesting.
    """

    row: Mapping[str, Any]
    committed_at: datetime


def parse_event(value: bytes | None) -> ChangeEvent | None:
    """Return the change event in a message's value; None for a tombstone, a delete or a truncate.

    Raises an Exception of any kind where the value cannot be parsed: RecursionError where it is nested too deeply.
    """
    if value is None:
        return None
    event = json.loads(value)
    if event["op"] not in UPSERTS:
        return None
    return ChangeEvent(row=_to_row(event["after"]), committed_at=EPOCH + _commit_time_since_epoch(event["source"]))


def _to_row(after: Mapping[str, Any]) -> dict[str, Any]:
    row = dict(after)
    int(row["activity_id"])
    for name in _TIMESTAMP_NTZ_COLUMNS:
        if row.get(name) is not None:
            row[name] = (EPOCH + timedelta(microseconds=row[name])).replace(tzinfo=None).isoformat()
    return row


def _commit_time_since_epoch(source: Mapping[str, Any]) -> timedelta:
    if source.get("ts_us") is not None:
        return timedelta(microseconds=source["ts_us"])
    return timedelta(milliseconds=source["ts_ms"])
