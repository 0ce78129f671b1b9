"""How far a table has come: a lane of a topic -> the last offset taken in."""

from collections.abc import Mapping
from typing import NamedTuple


class Lane(NamedTuple):
    """A partition of one incarnation of a topic: the widest stretch in which offsets tell the order."""

    incarnation: int
    partition: int


class OffsetRange(NamedTuple):
    """What a file's statistics say of its offsets: all are of one lane, from `first` to `last`, in so many rows."""

    lane: Lane
    first: int
    last: int
    rows: int


class Gap(NamedTuple):
    """Offsets of a lane that a table lacks, from `first` to `last`, both included."""

    lane: Lane
    first: int
    last: int

    def __str__(self) -> str:
        return f"partition {self.lane.partition}, offsets {self.first} to {self.last}"


Positions = Mapping[Lane, int]


def reached(here: Positions, goal: Positions) -> bool:
    """Say whether every lane of the goal has come at least that far."""
    return all(here.get(lane, -1) >= end for lane, end in goal.items())


def behind(here: Positions, goal: Positions) -> int:
    """Give how many messages are missing between here and the goal."""
    return sum(max(0, end - here.get(lane, -1)) for lane, end in goal.items())
