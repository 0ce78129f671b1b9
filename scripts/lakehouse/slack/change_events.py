"""Debezium's messages about activities, as far as the outbox needs them."""

import json
from collections.abc import Mapping
from datetime import datetime, timedelta, timezone
from typing import Any, NamedTuple

from lakehouse.contracts import STRAVA_ACTIVITIES

UNAVAILABLE = "__debezium_unavailable_value"
EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
UPSERTS = ("c", "u", "r")
_TIMESTAMP_NTZ_COLUMNS = tuple(name for name, kind in STRAVA_ACTIVITIES.columns.items() if kind == "timestamp_ntz")


class ChangeEvent(NamedTuple):
    """A row as a change left it, in JSON that Postgres reads as that row, and when it was committed.

    Its payload stays a text: Postgres reads what it wrote, however deep.
    """

    row: Mapping[str, Any]
    committed_at: datetime


def parse_event(value: bytes | None) -> ChangeEvent | None:
    """Give the change that a message tells; None for deletes and truncates.

    ValueError, KeyError or TypeError where the message cannot be read.
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
