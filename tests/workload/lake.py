"""What the lake holds, as plain rows to compare; nothing of the engine but its reading of tables."""

import json
from collections.abc import Iterable, Mapping
from datetime import date, datetime, timedelta, timezone
from typing import Any, NamedTuple

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from lakehouse.cdc.contract import Contract
from stack.lab import Bench
from workload.expected import Place
from workload.record import KEYS, Key, Row


class Message(NamedTuple):
    """A message of Bronze: where it lies, and what it is a change of."""

    lane: tuple[int, int]
    offset: int
    op: str
    key: Key | None
    committed_at: datetime


def rows(found: DataFrame) -> list[dict[str, Any]]:
    """Give rows whose instants are in UTC and have no zone."""
    columns = [
        F.col(name).cast("timestamp_ntz").alias(name) if kind == "timestamp" else F.col(name)
        for name, kind in found.dtypes
    ]
    return [row.asDict() for row in found.select(columns).collect()]


def silver(bench: Bench, contract: Contract) -> dict[Key, Row]:
    return by_key(contract, rows(bench.lake.silver(contract)))


def by_key(contract: Contract, found: Iterable[Row]) -> dict[Key, Row]:
    """Give rows by their key; two of one key are a mistake."""
    listed = [(row[KEYS[contract.table]], row) for row in found]
    assert len(dict(listed)) == len(listed), f"{contract.table}: two rows of one key"
    return dict(listed)


def messages(bench: Bench, contract: Contract) -> list[Message]:
    """Give Bronze's messages in the order of their offsets."""
    columns = ("incarnation", "partition", "offset", "op", "key", "committed_at")
    found = rows(bench.lake.read("bronze", contract.table).select(*columns))
    listed = (
        Message(
            (row["incarnation"], row["partition"]),
            row["offset"],
            row["op"],
            key_in(contract, row["key"]),
            row["committed_at"],
        )
        for row in found
    )
    return sorted(listed, key=lambda message: (message.lane, message.offset))


def key_in(contract: Contract, text: str | None) -> Key | None:
    """Give the key in its JSON; Debezium counts days, quarantine writes them as people do."""
    if text is None:
        return None
    value = json.loads(text)[KEYS[contract.table]]
    if contract.table != "reward_rules":
        return int(value)
    return date.fromisoformat(value) if isinstance(value, str) else date(1970, 1, 1) + timedelta(days=value)


def placed(found: Iterable[Message]) -> dict[Place, Message]:
    """Give each message by its place among those of its key."""
    places: dict[Place, Message] = {}
    numbers: dict[Key | None, int] = {}
    for message in found:
        place = Place(message.key, numbers.get(message.key, 0))
        numbers[message.key] = place.number + 1
        places[place] = message
    return places


def differing(contract: Contract, one: Row | None, other: Row | None) -> str:
    """Say in which columns two rows differ, or which of them is missing; empty where they are the same."""
    if one is None or other is None:
        return "" if one is other else "unexpected" if one is None else "missing"
    return ", ".join(name for name in contract.columns if _plain(one[name]) != _plain(other[name]))


def differences(contract: Contract, expected: Mapping[Any, Row], found: Mapping[Any, Row]) -> list[str]:
    """Name each key whose rows differ, and the columns."""
    keys = {**expected, **found}
    pairs = ((key, differing(contract, expected.get(key), found.get(key))) for key in keys)
    return [f"{contract.table} {key}: {columns}" for key, columns in pairs if columns]


def _plain(value: Any) -> Any:
    if isinstance(value, datetime) and value.tzinfo:
        return value.astimezone(timezone.utc).replace(tzinfo=None)
    return value
