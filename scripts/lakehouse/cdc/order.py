"""Which of two changes of a key came later (law 3): within a lane the offset says it, across lanes the commit.

A row's own LSN says nothing within a lane: Debezium emits in commit order, and a transaction that wrote early may
commit late. Snapshot rows have no commit before them: their LSN, the snapshot's, stands in.
"""

from collections.abc import Sequence

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F


def ranked(changes: DataFrame, key: Sequence[str]) -> DataFrame:
    """Add `_order`, which rises from the first to the last change of each key.

    The changes are clustered by key for it, so that what groups by key afterwards moves no row again.
    """
    commit = F.struct(F.coalesce("_commit_seq", "_lsn"), "_lsn")
    lane = Window.partitionBy(*key, "_incarnation", "_partition")
    order = F.struct(F.max(commit).over(lane), "_incarnation", "_partition", "_offset")
    return changes.repartition(*key).withColumn("_order", order)


def later(one: str, other: str) -> Column:
    """Give the condition that a change came after another, each named by what stands before its columns (`s._`)."""
    return F.expr(
        f"CASE WHEN {one}incarnation = {other}incarnation AND {one}partition = {other}partition "
        f"THEN {one}offset > {other}offset "
        f"ELSE struct(coalesce({one}commit_seq, {one}lsn), {one}lsn) "
        f"> struct(coalesce({other}commit_seq, {other}lsn), {other}lsn) END"
    )
