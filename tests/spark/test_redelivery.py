"""Change events that Debezium sends again after a crash are merged once, in a later refresh too."""

from dataclasses import replace
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from lakehouse.cdc.merge.silver import CatchUpResult, read_batch
from lakehouse.spark.literals import lit
from spark.messages import SHOES, Change, delete, insert, to_bronze_frame, update
from spark.sample_lake import SampleLake


def test_redelivered_events_of_an_earlier_refresh_change_nothing(spark: SparkSession, tmp_path: Path) -> None:
    sample_lake = SampleLake(spark, tmp_path)
    first, second, refused = (
        update(1, 41, last_commit_lsn=10),
        update(1, 42, last_commit_lsn=20),
        update(2, -2, last_commit_lsn=30),
    )
    sample_lake.merge(first, second, refused)
    assert sample_lake.merge(first, second, refused, update(3, 43, last_commit_lsn=40)) == CatchUpResult(
        "shoes", 4, 0, 1
    )
    assert sample_lake.silver_sizes() == {1: 42, 3: 43}
    assert len(sample_lake.quarantine_entries()) == 1
    assert sample_lake.lake.versions(sample_lake.contract).where("id IS NOT NULL").count() == 4
    assert sample_lake.merge() == CatchUpResult("shoes")


@pytest.mark.long
def test_lsn_reused_after_a_postgres_restore_is_a_new_change(spark: SparkSession, tmp_path: Path) -> None:
    sample_lake = SampleLake(spark, tmp_path)
    sample_lake.merge(update(1, 41, last_commit_lsn=40, lsn=45, tx=9))
    sample_lake.merge(update(1, 42, last_commit_lsn=30, lsn=45, tx=9))
    assert sample_lake.silver_sizes() == {1: 42}


REPEATED = update(1, 41, last_commit_lsn=10, lsn=15)
LATER = update(1, 42, last_commit_lsn=20, lsn=25)


@pytest.mark.parametrize(
    ("changes", "duplicates"),
    [
        ((REPEATED, REPEATED), [1]),
        ((REPEATED, LATER, REPEATED, LATER), [2, 3]),
        ((LATER, REPEATED, LATER), [2]),
        ((REPEATED, replace(REPEATED, incarnation=1)), [1]),
        ((REPEATED, replace(LATER, partition=1), replace(REPEATED, partition=1)), [2]),
        # One WAL record: the row leaves a key and comes to another.
        ((delete(1, last_commit_lsn=10, lsn=15), insert(2, last_commit_lsn=10, lsn=15)), []),
        # The LSN is another record's, of another commit, or the change is another operation.
        ((REPEATED, update(1, 42, last_commit_lsn=20, lsn=15)), []),
        ((REPEATED, replace(REPEATED, tx=2)), []),
        ((REPEATED, delete(1, last_commit_lsn=10, lsn=15)), []),
        # Snapshots repeat on purpose.
        ((Change("r", 1, snapshot_lsn=15, tx=None), Change("r", 1, snapshot_lsn=15, tx=None), REPEATED), []),
        ((Change("t", None, last_commit_lsn=10, lsn=15), Change("t", None, last_commit_lsn=10, lsn=15)), [1]),
    ],
    ids=range(11),
)
def test_repeats_within_a_batch_are_duplicates_and_nothing_else_is(
    spark: SparkSession, changes: tuple[Change, ...], duplicates: list[int]
) -> None:
    rows = read_batch(to_bronze_frame(spark, changes), SHOES).changes
    assert [row["_offset"] for row in rows.where("_op = 'duplicate'").orderBy("_offset").collect()] == duplicates


def test_repeats_without_an_lsn_are_duplicates(spark: SparkSession) -> None:
    messages = to_bronze_frame(spark, [REPEATED, REPEATED]).withColumn("lsn", lit(None).cast("bigint"))
    assert [row["_op"] for row in read_batch(messages, SHOES).changes.orderBy("_offset").collect()] == [
        "u",
        "duplicate",
    ]


def test_repeats_of_a_batch_are_counted_once(spark: SparkSession, tmp_path: Path) -> None:
    sample_lake = SampleLake(spark, tmp_path)
    assert sample_lake.merge(REPEATED, LATER, REPEATED, delete(2, last_commit_lsn=30)).changes == 4
    assert sample_lake.silver_sizes() == {1: 42}
