"""Change events that Debezium sends again after a crash are merged once, in a later refresh too."""

from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from lakehouse.cdc.merge.silver import CatchUpResult
from spark.messages import update
from spark.sample_lake import SampleLake


def test_redelivered_events_of_an_earlier_refresh_change_nothing(spark: SparkSession, tmp_path: Path) -> None:
    sample_lake = SampleLake(spark, tmp_path)
    first, second, refused = update(1, 41, commit_seq=10), update(1, 42, commit_seq=20), update(2, -2, commit_seq=30)
    sample_lake.merge(first, second, refused)
    assert sample_lake.merge(first, second, refused, update(3, 43, commit_seq=40)) == CatchUpResult("shoes", 4, 0, 1)
    assert sample_lake.silver_sizes() == {1: 42, 3: 43}
    assert len(sample_lake.quarantine_entries()) == 1
    assert sample_lake.lake.versions(sample_lake.contract).where("id IS NOT NULL").count() == 4
    assert sample_lake.merge() == CatchUpResult("shoes")


@pytest.mark.long
def test_lsn_reused_after_a_postgres_restore_is_a_new_change(spark: SparkSession, tmp_path: Path) -> None:
    sample_lake = SampleLake(spark, tmp_path)
    sample_lake.merge(update(1, 41, commit_seq=40, lsn=45, tx=9))
    sample_lake.merge(update(1, 42, commit_seq=30, lsn=45, tx=9))
    assert sample_lake.silver_sizes() == {1: 42}
