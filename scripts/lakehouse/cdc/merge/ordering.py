"""Which of two changes of a key came later (law 3): within a lane the offset says it, across lanes the commit.

A row's own LSN says nothing within a lane: Debezium emits in commit order, and a transaction that wrote early may
commit late. Snapshot rows have no commit before them: their LSN, the snapshot's, stands in. A lane's commit never
goes back, also where a message of it seems to, so that the two measures make one order.
"""

from collections.abc import Sequence

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F


def with_commit_order(changes: DataFrame, key: Sequence[str]) -> DataFrame:
    """Add `_order`, which rises from the first to the last change of each key.

    The changes are clustered by key for it, so that what groups by key afterwards moves no row again.
    """
    commit_lsn = F.struct(F.coalesce("_commit_seq", "_lsn"), "_lsn")
    running_window = Window.partitionBy(*key, "_incarnation", "_partition").orderBy("_offset")
    order = F.struct(F.max(commit_lsn).over(running_window), "_incarnation", "_partition", "_offset")
    return changes.repartition(*key).withColumn("_order", order)


def is_after(order: Column, other: Column) -> Column:
    """Say of the `_order` of two changes, of whatever keys, whether one came after the other."""
    same_partition = (order["_incarnation"] == other["_incarnation"]) & (order["_partition"] == other["_partition"])
    return F.when(same_partition, order["_offset"] > other["_offset"]).otherwise(order > other)
