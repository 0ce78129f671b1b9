"""How far a table has come: a lane of a topic -> the last offset taken in."""

from collections.abc import Mapping
from typing import NamedTuple


class TopicPartition(NamedTuple):
    """A partition of one incarnation of a topic: the widest stretch in which offsets tell the order."""

    incarnation: int
    partition: int


class OffsetRange(NamedTuple):
    """What a file's statistics say of its offsets: all are of one lane, from `first` to `last`, in so many rows."""

    topic_partition: TopicPartition
    first: int
    last: int
    rows: int


class Gap(NamedTuple):
    """Offsets of a lane that a table lacks, from `first` to `last`, both included."""

    topic_partition: TopicPartition
    first: int
    last: int

    def __str__(self) -> str:
        return f"partition {self.topic_partition.partition}, offsets {self.first} to {self.last}"


Offsets = Mapping[TopicPartition, int]


def has_reached(offsets: Offsets, target: Offsets) -> bool:
    """Say whether every lane of the goal has come at least that far."""
    return all(offsets.get(topic_partition, -1) >= end for topic_partition, end in target.items())


def lag(offsets: Offsets, target: Offsets) -> int:
    """Give how many messages are missing between here and the goal."""
    return sum(max(0, end - offsets.get(topic_partition, -1)) for topic_partition, end in target.items())
