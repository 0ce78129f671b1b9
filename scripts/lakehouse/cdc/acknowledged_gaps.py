"""Acknowledged gaps: offsets that Bronze lacks for good, since a resnapshot has read all rows again.

They are properties of the Bronze table, one per topic-partition, such as "0-9,30-35".
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping

from lakehouse.cdc.gaps import AcknowledgedGaps, join_ranges
from lakehouse.cdc.offsets import Gap, TopicPartition

# Followed by incarnation and partition.
ACKNOWLEDGED_GAPS_PROPERTY = "cdc.acknowledgedGaps."
# Of a lake of version 0.2.0: the offset before which every gap was acknowledged.
LOSS_ACKNOWLEDGED_BEFORE = "cdc.lostBefore."


def acknowledged_gaps(properties: Mapping[str, str]) -> AcknowledgedGaps:
    """Return the acknowledged gaps in the properties of a Bronze table."""
    ranges: dict[TopicPartition, list[range]] = defaultdict(list)
    for name, value in properties.items():
        if name.startswith(ACKNOWLEDGED_GAPS_PROPERTY):
            ranges[_topic_partition(name, ACKNOWLEDGED_GAPS_PROPERTY)] += map(_parse, value.split(","))
        elif name.startswith(LOSS_ACKNOWLEDGED_BEFORE):
            ranges[_topic_partition(name, LOSS_ACKNOWLEDGED_BEFORE)].append(range(int(value)))
    return {topic_partition: join_ranges(listed) for topic_partition, listed in ranges.items()}


def to_properties(acknowledged: AcknowledgedGaps, lost: Iterable[Gap]) -> dict[str, str]:
    """Return the properties that acknowledge the lost offsets too, of those topic-partitions that lost some."""
    ranges: dict[TopicPartition, list[range]] = defaultdict(list)
    for gap in lost:
        ranges[gap.topic_partition].append(range(gap.first, gap.last + 1))
    return {
        f"{ACKNOWLEDGED_GAPS_PROPERTY}{topic_partition.incarnation}.{topic_partition.partition}": ",".join(
            f"{one.start}-{one[-1]}" for one in join_ranges([*acknowledged.get(topic_partition, ()), *listed])
        )
        for topic_partition, listed in ranges.items()
    }


def first_not_acknowledged(offset: int, acknowledged: Iterable[range]) -> int:
    """Return the first offset from this one on whose loss was not acknowledged."""
    return next((one.stop for one in acknowledged if offset in one), offset)


def _topic_partition(name: str, prefix: str) -> TopicPartition:
    return TopicPartition(*map(int, name.removeprefix(prefix).split(".")))


def _parse(text: str) -> range:
    first, last = map(int, text.split("-"))
    return range(first, last + 1)
