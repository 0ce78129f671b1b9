"""Order of the changes of a key (law 3): by offset within a partition, by commit LSN across partitions.

A row's own LSN is no order within a partition: Debezium emits in commit order, and a transaction that wrote early
may commit late. Rows of an initial snapshot have no commit LSN, and the snapshot's LSN stands in. Within a partition,
the running maximum of the commit LSN is used. So offset order and commit order never contradict each other.
"""

from collections.abc import Sequence

from pyspark.sql import Column, DataFrame, Window, WindowSpec
from pyspark.sql import functions as F

OFFSET_ORDER = ("_incarnation", "_partition", "_offset")


def with_commit_order(changes: DataFrame, key: Sequence[str]) -> DataFrame:
    """Add `_order`, which rises from the first to the last change of each key.

    The changes are repartitioned by key, and sorted by it and OFFSET_ORDER. A later window over the same neither
    shuffles nor sorts them again.
    """
    commit_lsn = F.struct(F.coalesce("_last_commit_lsn", "_lsn"), "_lsn")
    order = F.struct(F.max(commit_lsn).over(by_offset(key)), *OFFSET_ORDER)
    return changes.repartition(*key).withColumn("_order", order)


def by_offset(key: Sequence[str]) -> WindowSpec:
    """Return the window over a key's changes in one partition, in their order."""
    *partition, offset = OFFSET_ORDER
    return Window.partitionBy(*key, *partition).orderBy(offset)


def is_after(order: Column, other: Column) -> Column:
    """Return whether one change comes after another, by their `_order`; the keys may differ."""
    same_partition = (order["_incarnation"] == other["_incarnation"]) & (order["_partition"] == other["_partition"])
    return F.when(same_partition, order["_offset"] > other["_offset"]).otherwise(order > other)
