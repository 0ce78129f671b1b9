"""The lake's rows as plain Python values to compare, sharing nothing with the engine but its table readers."""

import json
from collections.abc import Iterable, Mapping
from datetime import date, datetime, timedelta, timezone
from typing import Any, NamedTuple

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from lakehouse.cdc.contract import Contract
from stack.cdc_harness import CdcHarness
from workload.committed_transactions import KEYS, Key, Row
from workload.model import ChangePosition


class Message(NamedTuple):
    """A Bronze message: its topic-partition, as (incarnation, partition), its offset, and its change."""

    topic_partition: tuple[int, int]
    offset: int
    op: str
    key: Key | None
    committed_at: datetime


def collect_rows(frame: DataFrame) -> list[dict[str, Any]]:
    """Return the frame's rows as dicts, with timestamps as naive UTC datetimes."""
    columns = [
        F.col(name).cast("timestamp_ntz").alias(name) if kind == "timestamp" else F.col(name)
        for name, kind in frame.dtypes
    ]
    return [row.asDict() for row in frame.select(columns).collect()]


def silver_by_key(harness: CdcHarness, contract: Contract) -> dict[Key, Row]:
    return index_by_key(contract, collect_rows(harness.lake.silver(contract)))


def index_by_key(contract: Contract, rows: Iterable[Row]) -> dict[Key, Row]:
    """Return the rows by key. Raises AssertionError where two rows share a key."""
    pairs = [(row[KEYS[contract.table]], row) for row in rows]
    assert len(dict(pairs)) == len(pairs), f"{contract.table}: two rows share a key"
    return dict(pairs)


def bronze_messages(harness: CdcHarness, contract: Contract) -> list[Message]:
    """Return Bronze's messages, ordered by topic-partition and offset."""
    columns = ("incarnation", "partition", "offset", "op", "key", "committed_at")
    raw_rows = collect_rows(harness.lake.read("bronze", contract.table).select(*columns))
    messages = (
        Message(
            (row["incarnation"], row["partition"]),
            row["offset"],
            row["op"],
            parse_key(contract, row["key"]),
            row["committed_at"],
        )
        for row in raw_rows
    )
    return sorted(messages, key=lambda message: (message.topic_partition, message.offset))


def parse_key(contract: Contract, text: str | None) -> Key | None:
    """Return the key from its JSON; a date is a number of days in Bronze and ISO text in quarantine."""
    if text is None:
        return None
    value = json.loads(text)[KEYS[contract.table]]
    if contract.table != "reward_rules":
        return int(value)
    return date.fromisoformat(value) if isinstance(value, str) else date(1970, 1, 1) + timedelta(days=value)


def index_by_position(messages: Iterable[Message]) -> dict[ChangePosition, Message]:
    """Return the messages by their position among the changes of their key."""
    by_position: dict[ChangePosition, Message] = {}
    next_ordinals: dict[Key | None, int] = {}
    for message in messages:
        position = ChangePosition(message.key, next_ordinals.get(message.key, 0))
        next_ordinals[message.key] = position.ordinal + 1
        by_position[position] = message
    return by_position


def differing_columns(contract: Contract, expected: Row | None, actual: Row | None) -> str:
    """Return the names of the columns that differ, `missing` or `unexpected`; empty where the rows are equal."""
    if expected is None or actual is None:
        return "" if expected is actual else "unexpected" if expected is None else "missing"
    return ", ".join(
        name for name in contract.columns if _without_time_zone(expected[name]) != _without_time_zone(actual[name])
    )


def find_differences(contract: Contract, expected: Mapping[Any, Row], actual: Mapping[Any, Row]) -> list[str]:
    """Return a line for each key whose rows differ, with the columns."""
    keys = {**expected, **actual}
    pairs = ((key, differing_columns(contract, expected.get(key), actual.get(key))) for key in keys)
    return [f"{contract.table} {key}: {columns}" for key, columns in pairs if columns]


def _without_time_zone(value: Any) -> Any:
    if isinstance(value, datetime) and value.tzinfo:
        return value.astimezone(timezone.utc).replace(tzinfo=None)
    return value
