"""A topic's offsets, and descriptions of its messages without their values, which may be personal data."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timezone
from itertools import chain
from typing import Any

from kafka import TopicPartition
from kafka.consumer.fetcher import ConsumerRecord

from lakehouse.settings import Settings
from lakehouse.source import topics
from support.timing import seconds

MAX_MESSAGES_SHOWN = 1_000  # messages of a topic
POLL_TIMEOUT = seconds(60)
OffsetRanges = Mapping[int, range]  # by partition


def read_offsets(settings: Settings, names: Sequence[str]) -> Mapping[str, OffsetRanges]:
    """Return the current offset ranges of each topic, by topic and partition."""
    offsets: dict[str, dict[int, range]] = {name: {} for name in names}
    with topics.consumer_session(settings, names) as consumer:
        beginning_offsets = consumer.beginning_offsets(list(consumer.assignment()))
        for partition, end in topics.end_offsets(consumer).items():
            offsets[partition.topic][partition.partition] = range(beginning_offsets[partition], end)
    return offsets


def describe_messages(settings: Settings, topic: str, partition: int, ranges: Iterable[range]) -> Iterator[str]:
    """Yield a line for each message at these offsets, for at most 1,000: its time, operation, size and key."""
    shown = 0
    with topics.consumer_session(settings, [topic]) as consumer:
        topic_partition = TopicPartition(topic, partition)
        consumer.assign([topic_partition])
        for offset_range in ranges:
            consumer.seek(topic_partition, offset_range.start)
            for record in _read_range(consumer, offset_range):
                yield describe_message(record)
                if (shown := shown + 1) == MAX_MESSAGES_SHOWN:
                    yield "and more"
                    return


def describe_message(record: ConsumerRecord) -> str:
    """Return a message's offset, time, operation, size and key as text; operation ? where it cannot be read."""
    timestamp = datetime.fromtimestamp(record.timestamp / 1000, tz=timezone.utc).isoformat(timespec="milliseconds")
    key = (record.key or b"").decode(errors="replace")
    value = record.value or b""
    return f"offset {record.offset}: {timestamp}, op {_operation(value)}, {len(value)} bytes, key {key}"


def _read_range(consumer: Any, offset_range: range) -> Iterator[ConsumerRecord]:
    """Yield the records of a range; fewer where a poll returns none within 60 s."""
    while batch := consumer.poll(POLL_TIMEOUT * 1000):
        for record in chain.from_iterable(batch.values()):
            if record.offset in offset_range:
                yield record
            if record.offset >= offset_range[-1]:
                return


def _operation(value: bytes) -> str:
    try:
        envelope = json.loads(value)
    except ValueError:
        return "?"
    return str(envelope.get("op", "?")) if isinstance(envelope, dict) else "?"
