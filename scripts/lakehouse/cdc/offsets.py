"""Offsets of a table: topic-partition -> the last offset that it contains."""

from collections.abc import Mapping
from typing import NamedTuple


class TopicPartition(NamedTuple):
    """A partition of one incarnation of a topic: the widest scope in which offsets define the order."""

    incarnation: int
    partition: int

    def property_name(self, prefix: str) -> str:
        """Return the name of this topic-partition's table property, such as "cdc.impliedRows.0.2"."""
        return f"{prefix}{self.incarnation}.{self.partition}"

    @classmethod
    def of_property(cls, name: str, prefix: str) -> "TopicPartition":
        """Return the topic-partition in the name of a table property."""
        return cls(*map(int, name.removeprefix(prefix).split(".")))


class OffsetRange(NamedTuple):
    """Offsets of a file by its statistics: all of one topic-partition, from `first` to `last`, in `rows` rows."""

    topic_partition: TopicPartition
    first: int
    last: int
    rows: int


class Gap(NamedTuple):
    """Offsets of a topic-partition that a table lacks, from `first` to `last`, both included."""

    topic_partition: TopicPartition
    first: int
    last: int

    @property
    def offsets(self) -> range:
        return range(self.first, self.last + 1)

    def __str__(self) -> str:
        return _describe(self.topic_partition, self.first, self.last)


class Duplicate(NamedTuple):
    """Offsets of a topic-partition that a table has more than once each, from `first` to `last`, both included."""

    topic_partition: TopicPartition
    first: int
    last: int

    @property
    def offsets(self) -> range:
        return range(self.first, self.last + 1)

    def __str__(self) -> str:
        return _describe(self.topic_partition, self.first, self.last)


Offsets = Mapping[TopicPartition, int]


def has_reached(offsets: Offsets, target: Offsets) -> bool:
    """Return whether the offsets are at or beyond the target in each of its topic-partitions."""
    return all(offsets.get(topic_partition, -1) >= end for topic_partition, end in target.items())


def lag(offsets: Offsets, target: Offsets) -> int:
    """Return how many messages lie between the offsets and the target."""
    return sum(max(0, end - offsets.get(topic_partition, -1)) for topic_partition, end in target.items())


def _describe(topic_partition: TopicPartition, first: int, last: int) -> str:
    incarnation, partition = topic_partition
    scope = f"partition {partition}" if not incarnation else f"incarnation {incarnation}, partition {partition}"
    return f"{scope}, offsets {first} to {last}"
