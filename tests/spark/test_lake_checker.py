"""The lake checker finds the messages that Bronze lacks, those that it has twice, and wrong figures."""

from datetime import date
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from chaos.lake_checker import BronzeCounts, compare_table_with_kafka, find_gold_differences
from lakehouse.cdc.lake import Lake
from lakehouse.cdc.table_store import TableStore
from lakehouse.refresh.refresh import refresh
from lakehouse.refresh.table_setup import create_tables
from spark.builders import NO_OFFSETS, activities, daily_activities, employees, reward_rules
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


@pytest.mark.long
def test_lake_checker_recomputes_gold_for_the_day_of_the_last_refresh(spark: SparkSession, tmp_path: Path) -> None:
    lake = Lake(spark, TableStore(str(tmp_path)))
    create_tables(lake.store)
    lake.append(reward_rules(spark, {"valid_from": date(2020, 1, 1)}), "silver", "reward_rules")
    lake.append(employees(spark, {"id": 1}), "silver", "rh_employees")
    lake.append(activities(spark, *daily_activities("2025-12-30 10:00", 4)), "silver", "strava_activities")
    refresh(lake, NO_OFFSETS, date(2026, 1, 1))
    refresh(lake, NO_OFFSETS, date(2025, 12, 31))
    assert find_gold_differences(lake) == []
    lake.append(lake.read("gold", "wellbeing"), "gold", "wellbeing")
    assert find_gold_differences(lake) == ["gold/wellbeing: 0 rows lost, 1 extra"]
