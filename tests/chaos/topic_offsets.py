"""What a topic holds: its offsets, and of a message what names it without telling anybody's data."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timezone
from typing import Any

from kafka import TopicPartition
from kafka.consumer.fetcher import ConsumerRecord

from lakehouse.settings import Settings
from lakehouse.source import topics

SHOWN = 1_000  # messages of a topic
PATIENCE = 60.0  # seconds
Offsets = Mapping[int, range]  # by partition


def read_offsets(settings: Settings, names: Sequence[str]) -> Mapping[str, Offsets]:
    """Return the offsets that each topic holds at this moment, by partition."""
    found: dict[str, dict[int, range]] = {name: {} for name in names}
    with topics.following(settings, names) as consumer:
        begins = consumer.beginning_offsets(list(consumer.assignment()))
        for partition, end in topics.reachable(consumer).items():
            found[partition.topic][partition.partition] = range(begins[partition], end)
    return found


def describe_messages(settings: Settings, topic: str, partition: int, ranges: Iterable[range]) -> Iterator[str]:
    """Yield a line for each message at these offsets: its moment, operation, length and key, never its values."""
    shown = 0
    with topics.following(settings, [topic]) as consumer:
        place = TopicPartition(topic, partition)
        consumer.assign([place])
        for wanted in ranges:
            consumer.seek(place, wanted.start)
            for record in _until(consumer, wanted):
                yield describe_message(record)
                if (shown := shown + 1) == SHOWN:
                    yield "and more"
                    return


def describe_message(record: ConsumerRecord) -> str:
    """Return the line of one message; its operation is ? where the message tells none."""
    moment = datetime.fromtimestamp(record.timestamp / 1000, tz=timezone.utc).isoformat(timespec="milliseconds")
    key = (record.key or b"").decode(errors="replace")
    value = record.value or b""
    return f"offset {record.offset}: {moment}, op {_operation(value)}, {len(value)} bytes, key {key}"


def _until(consumer: Any, wanted: range) -> Iterator[ConsumerRecord]:
    """Yield the records of a range; fewer where Kafka gives none for a while."""
    while page := consumer.poll(PATIENCE * 1000):
        for record in (one for records in page.values() for one in records):
            if record.offset in wanted:
                yield record
            if record.offset >= wanted[-1]:
                return


def _operation(value: bytes) -> str:
    try:
        said = json.loads(value)
    except ValueError:
        return "?"
    return str(said.get("op", "?")) if isinstance(said, dict) else "?"
