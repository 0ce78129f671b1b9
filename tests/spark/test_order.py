"""Law 3: within a partition the offset decides, across partitions the commit; never the LSN alone, never a clock."""

from pyspark.sql import SparkSession

from lakehouse.cdc.changes import net, read
from spark.messages import SHOES, Change, bronze, delete, put


def last(spark: SparkSession, *changes: Change) -> dict[int, tuple[str, int | None]]:
    rows = net(read(bronze(spark, changes), SHOES), SHOES).collect()
    return {row.id: (row._op, row["size"]) for row in rows}


def test_within_a_partition_the_offset_wins_over_a_larger_lsn(spark: SparkSession) -> None:
    assert last(spark, put(1, 41, lsn=900), put(1, 42, lsn=100)) == {1: ("u", 42)}


def test_within_a_partition_the_offset_wins_over_a_larger_commit(spark: SparkSession) -> None:
    assert last(spark, put(1, 41, commit_seq=900), put(1, 42, commit_seq=100)) == {1: ("u", 42)}


def test_across_partitions_the_later_commit_wins_over_a_larger_offset(spark: SparkSession) -> None:
    assert last(spark, put(1, 42, commit_seq=200), put(1, 41, partition=1, commit_seq=100)) == {1: ("u", 42)}


def test_a_change_after_a_snapshot_row_wins_though_it_was_written_before_it(spark: SparkSession) -> None:
    snapshot = Change("r", 1, 41, commit_seq=None, lsn=500)
    assert last(spark, snapshot, put(1, 42, commit_seq=400, lsn=300)) == {1: ("u", 42)}


def test_an_upsert_after_the_delete_stands_and_one_before_it_does_not(spark: SparkSession) -> None:
    assert last(spark, delete(1), put(1, 43), put(2, 44), delete(2)) == {1: ("u", 43), 2: ("d", None)}


def test_a_refused_change_leaves_the_last_accepted_one(spark: SparkSession) -> None:
    assert last(spark, put(1, 41), put(1, -1)) == {1: ("u", 41)}
    assert last(spark, put(1, 41), delete(1), put(1, -1)) == {1: ("d", None)}
    assert last(spark, put(1, -1)) == {}
