"""Acknowledged gaps: offsets that Bronze lacks for good, since a resnapshot has read all rows again.

They are properties of the Bronze table, one per topic-partition, such as "0-9,30-35".
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

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
            ranges[TopicPartition.of_property(name, ACKNOWLEDGED_GAPS_PROPERTY)] += map(_parse, value.split(","))
        elif name.startswith(LOSS_ACKNOWLEDGED_BEFORE):
            ranges[TopicPartition.of_property(name, LOSS_ACKNOWLEDGED_BEFORE)].append(range(int(value)))
    return {topic_partition: join_ranges(listed) for topic_partition, listed in ranges.items()}


def with_gaps(acknowledged: AcknowledgedGaps, gaps: Iterable[Gap]) -> AcknowledgedGaps:
    """Return the acknowledged gaps and these, joined."""
    ranges = {topic_partition: [*listed] for topic_partition, listed in acknowledged.items()}
    for gap in gaps:
        ranges.setdefault(gap.topic_partition, []).append(gap.offsets)
    return {topic_partition: join_ranges(listed) for topic_partition, listed in ranges.items()}


def to_properties(acknowledged: AcknowledgedGaps, lost: Sequence[Gap]) -> dict[str, str]:
    """Return the properties that acknowledge the lost offsets too, of those topic-partitions that lost some."""
    joined = with_gaps(acknowledged, lost)
    return {
        topic_partition.property_name(ACKNOWLEDGED_GAPS_PROPERTY): ",".join(
            f"{one.start}-{one[-1]}" for one in joined[topic_partition]
        )
        for topic_partition in dict.fromkeys(gap.topic_partition for gap in lost)
    }


def first_not_acknowledged(offset: int, acknowledged: Iterable[range]) -> int:
    """Return the first offset from this one on whose loss was not acknowledged."""
    return next((one.stop for one in acknowledged if offset in one), offset)


def _parse(text: str) -> range:
    first, last = map(int, text.split("-"))
    return range(first, last + 1)
