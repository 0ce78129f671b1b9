"""Law 3: within a partition the offset decides, across partitions the commit; never the LSN alone, never a clock."""

from pyspark.sql import SparkSession

from lakehouse.cdc.merge.silver import read_batch
from lakehouse.cdc.merge.validation import latest_per_key
from spark.messages import SHOES, Change, delete, to_bronze_frame, update


def latest_changes(spark: SparkSession, *changes: Change) -> dict[int, tuple[str, int | None]]:
    rows = latest_per_key(read_batch(to_bronze_frame(spark, changes), SHOES)).collect()
    return {row.id: (row["_op"], row["size"]) for row in rows}


def test_within_a_partition_the_offset_wins_over_a_larger_lsn(spark: SparkSession) -> None:
    assert latest_changes(spark, update(1, 41, lsn=900), update(1, 42, lsn=100)) == {1: ("u", 42)}


def test_within_a_partition_the_offset_wins_over_a_larger_commit(spark: SparkSession) -> None:
    assert latest_changes(spark, update(1, 41, last_commit_lsn=900), update(1, 42, last_commit_lsn=100)) == {
        1: ("u", 42)
    }


def test_across_partitions_the_later_commit_wins_over_a_larger_offset(spark: SparkSession) -> None:
    assert latest_changes(
        spark, update(1, 42, last_commit_lsn=200), update(1, 41, partition=1, last_commit_lsn=100)
    ) == {1: ("u", 42)}


def test_change_after_a_snapshot_row_wins_even_with_a_smaller_lsn(spark: SparkSession) -> None:
    snapshot = Change("r", 1, 41, last_commit_lsn=None, lsn=500)
    assert latest_changes(spark, snapshot, update(1, 42, last_commit_lsn=400, lsn=300)) == {1: ("u", 42)}


def test_an_upsert_after_the_delete_stands_and_one_before_it_does_not(spark: SparkSession) -> None:
    assert latest_changes(spark, delete(1), update(1, 43), update(2, 44), delete(2)) == {1: ("u", 43), 2: ("d", None)}


def test_a_refused_change_leaves_the_last_accepted_one(spark: SparkSession) -> None:
    assert latest_changes(spark, update(1, 41), update(1, -1)) == {1: ("u", 41)}
    assert latest_changes(spark, update(1, 41), delete(1), update(1, -1)) == {1: ("d", None)}
    assert latest_changes(spark, update(1, -1)) == {}


def test_latest_changes_of_one_partition_are_found_without_shuffling_or_sorting_the_batch_again(
    spark: SparkSession,
) -> None:
    batch = read_batch(to_bronze_frame(spark, [update(1, 41), update(2, 42), update(1, 43)]), SHOES)
    plan = latest_per_key(batch)._jdf.queryExecution().executedPlan().toString()  # noqa: SLF001
    assert "Window" in plan
    assert "Exchange" not in plan
    assert "Sort" not in plan


def test_changes_of_two_incarnations_are_ordered_by_their_commits(spark: SparkSession) -> None:
    assert latest_changes(
        spark, update(1, 42, incarnation=1, last_commit_lsn=200), update(1, 41, last_commit_lsn=100)
    ) == {1: ("u", 42)}
    assert latest_changes(
        spark, update(1, 41, incarnation=1, last_commit_lsn=100), update(1, 42, last_commit_lsn=200)
    ) == {1: ("u", 42)}
