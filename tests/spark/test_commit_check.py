"""Law 1: a commit that Delta reported is looked up in the log; a lost or changed one is an error."""

import json
from pathlib import Path
from typing import Any

import pytest
from deltalake import DeltaTable
from pyspark.sql import SparkSession

from lakehouse.cdc.maintenance import APPEND_TARGET_BYTES, compact_table
from lakehouse.errors import LakehouseError
from spark.messages import to_bronze_frame, update
from spark.sample_lake import SampleLake


class BronzeWriter:
    """A writer of Bronze that knows each commit's stamp by a name."""

    def __init__(self, spark: SparkSession, root: Path) -> None:
        self.lake = SampleLake(spark, root).lake
        self.path = self.lake.store.path("bronze", "shoes")
        self.check = self.lake.commit_check("bronze", "shoes")
        self._offset = 0
        self._stamps = dict[str, str]()

    def append(self, name: str, rows: int = 1) -> None:
        changes = [update(number) for number in range(rows)]
        rows_to_append = to_bronze_frame(self.lake.spark, changes, self._offset)
        self._stamps[name] = self.lake.append(rows_to_append, "bronze", "shoes")
        self._offset += rows

    def ensure_committed(self, name: str, rows: int) -> None:
        self.check.ensure_committed(self._stamps[name], rows)

    def overwrite_last_commit(self) -> None:
        last = max(Path(self.path, "_delta_log").glob("*.json"))
        last.write_text(json.dumps({"commitInfo": {"operation": "OPTIMIZE", "timestamp": 0}}) + "\n", encoding="utf-8")


@pytest.fixture
def writer(spark: SparkSession, tmp_path: Path) -> BronzeWriter:
    return BronzeWriter(spark, tmp_path)


def test_commit_is_found_among_commits_of_other_writers(writer: BronzeWriter) -> None:
    writer.append("first")
    writer.append("second", rows=2)
    compact_table(writer.path, APPEND_TARGET_BYTES)
    writer.ensure_committed("second", 2)
    writer.append("third")
    writer.ensure_committed("third", 1)


def test_overwritten_commit_is_an_error(writer: BronzeWriter) -> None:
    writer.append("first")
    writer.overwrite_last_commit()
    with pytest.raises(LakehouseError, match="another writer has overwritten it"):
        writer.ensure_committed("first", 1)


def test_commit_with_fewer_rows_than_expected_is_an_error(writer: BronzeWriter) -> None:
    writer.append("first", rows=2)
    with pytest.raises(LakehouseError, match="has 2 rows, and 3 were to be written"):
        writer.ensure_committed("first", 3)


def test_commit_is_found_after_the_delta_log_cache_is_cleared(writer: BronzeWriter) -> None:
    """Delta clears its cache an hour after the last use, and sometimes when several tables are opened at once."""
    writer.append("first")
    jvm: Any = writer.lake.spark.sparkContext._jvm  # noqa: SLF001 - Spark has no public way to Delta's cache
    jvm.org.apache.spark.sql.delta.DeltaLog.clearCache()
    writer.ensure_committed("first", 1)
    assert DeltaTable(writer.path).version() == 1
