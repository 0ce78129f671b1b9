"""What several Spark tests share."""

from datetime import date
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from lakehouse.cdc.lake import Lake
from lakehouse.cdc.table_store import TableStore
from lakehouse.refresh.table_setup import create_tables
from spark.builders import employees, reward_rules
from spark.sample_lake import SampleLake


@pytest.fixture
def sample_lake(spark: SparkSession, tmp_path: Path) -> SampleLake:
    return SampleLake(spark, tmp_path)


@pytest.fixture
def lake(spark: SparkSession, tmp_path: Path) -> Lake:
    """Return a lake of an employee and a rule, whose figures were never computed."""
    lake = Lake(spark, TableStore(str(tmp_path)))
    create_tables(lake.store)
    lake.append(employees(spark, {"id": 1}), "silver", "rh_employees")
    lake.append(reward_rules(spark, {"valid_from": date(2026, 1, 1)}), "silver", "reward_rules")
    return lake
