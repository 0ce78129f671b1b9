"""The lake checker finds the messages that Bronze lacks and those that it has twice."""

from pathlib import Path

from pyspark.sql import SparkSession

from chaos.lake_checker import BronzeCounts, compare_table_with_kafka
from spark.messages import to_bronze_frame, update
from spark.sample_lake import SampleLake


def test_lake_checker_counts_lost_and_duplicate_offsets(spark: SparkSession, tmp_path: Path) -> None:
    sample_lake = SampleLake(spark, tmp_path)
    sample_lake.append_to_bronze(update(1), update(2), update(3))
    assert compare_table_with_kafka(sample_lake.lake, sample_lake.contract, end=3) == BronzeCounts(3, lost=0, doubled=0)
    assert compare_table_with_kafka(sample_lake.lake, sample_lake.contract, end=5) == BronzeCounts(5, lost=2, doubled=0)
    sample_lake.lake.append(to_bronze_frame(spark, [update(2), update(3)], 1), "bronze", "shoes")
    assert compare_table_with_kafka(sample_lake.lake, sample_lake.contract, end=3) == BronzeCounts(3, lost=0, doubled=2)


def test_lake_checker_does_not_offset_a_loss_by_later_messages(spark: SparkSession, tmp_path: Path) -> None:
    sample_lake = SampleLake(spark, tmp_path)
    sample_lake.lake.append(to_bronze_frame(spark, [update(1), update(2)], 1), "bronze", "shoes")
    assert compare_table_with_kafka(sample_lake.lake, sample_lake.contract, end=2) == BronzeCounts(2, lost=1, doubled=0)
