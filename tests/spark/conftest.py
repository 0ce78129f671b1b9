"""What several Spark tests share."""

from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from spark.sample_lake import SampleLake


@pytest.fixture
def sample_lake(spark: SparkSession, tmp_path: Path) -> SampleLake:
    return SampleLake(spark, tmp_path)
