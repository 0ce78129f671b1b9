"""A late arrival in another partition changes no newer row, and a value filled without it is filled again."""

from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from lakehouse.cdc.merge.envelope import UNAVAILABLE_VALUE
from spark.messages import delete, update
from spark.sample_lake import SampleLake


@pytest.mark.long
def test_late_arrival_changes_no_row_but_fills_a_later_toasted_value(spark: SparkSession, tmp_path: Path) -> None:
    sample_lake = SampleLake(spark, tmp_path)
    sample_lake.merge(
        update(1, 41, commit_seq=10), update(2, 42, commit_seq=20), update(3, 43, note="first", commit_seq=21)
    )
    sample_lake.merge(
        delete(1, commit_seq=40),
        update(2, 52, commit_seq=50),
        update(3, 53, note=UNAVAILABLE_VALUE, partition=1, commit_seq=51),
    )
    sample_lake.merge(
        update(1, 43, partition=1, commit_seq=30),
        update(2, 32, partition=1, commit_seq=35),
        update(3, 33, note="second", commit_seq=36),
    )
    rows = sample_lake.lake.silver(sample_lake.contract).collect()
    assert {(row.id, row["size"], row.note) for row in rows} == {(2, 52, "n"), (3, 53, "second")}
    assert sample_lake.lake.versions(sample_lake.contract).count() == 9
