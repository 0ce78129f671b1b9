"""How far a table has come: a lane of a topic -> the last offset taken in."""

from collections.abc import Mapping
from typing import NamedTuple


class Lane(NamedTuple):
    """A partition of one incarnation of a topic: the widest stretch in which offsets tell the order."""

    incarnation: int
    partition: int


Positions = Mapping[Lane, int]


def reached(here: Positions, goal: Positions) -> bool:
    """Say whether every lane of the goal has come at least that far."""
    return all(here.get(lane, -1) >= end for lane, end in goal.items())


def behind(here: Positions, goal: Positions) -> int:
    """Give how many messages are missing between here and the goal."""
    return sum(max(0, end - here.get(lane, -1)) for lane, end in goal.items())
