"""How far a table has come, read from the table itself: a lane of a topic -> the last offset taken in."""

from collections.abc import Mapping
from typing import NamedTuple

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F


class Lane(NamedTuple):
    """A partition of one incarnation of a topic: the widest stretch in which offsets tell the order."""

    incarnation: int
    partition: int


Positions = Mapping[Lane, int]


def positions(rows: DataFrame, prefix: str = "") -> Positions:
    """Give the last offset of each lane in a table whose position columns carry the prefix (`_` in Silver)."""
    incarnation, partition, offset = (f"{prefix}{name}" for name in ("incarnation", "partition", "offset"))
    ends = rows.groupBy(incarnation, partition).agg(F.max(offset).alias("end"))
    return {Lane(row[0], row[1]): row[2] for row in ends.collect()}


def between(after: Positions, upto: Positions) -> Column:
    """Give the condition for Bronze's rows past `after` and not past `upto`; files outside of it are not read."""
    chosen = F.lit(False)
    for lane, end in upto.items():
        chosen = chosen | (
            (F.col("incarnation") == lane.incarnation)
            & (F.col("partition") == lane.partition)
            & (F.col("offset") > after.get(lane, -1))
            & (F.col("offset") <= end)
        )
    return chosen


def reached(here: Positions, goal: Positions) -> bool:
    """Say whether every lane of the goal has come at least that far."""
    return all(here.get(lane, -1) >= end for lane, end in goal.items())
