"""Law: rows that are read from a table's files without Delta are the rows that Delta reads."""

import json
from collections.abc import Callable, Sequence
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from delta.tables import DeltaTable
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from lakehouse.cdc.lake import Lake
from lakehouse.cdc.offsets import TopicPartition
from lakehouse.cdc.plain_files import MAX_PLAIN_FILES, PATTERN_CHARACTERS, read_plain
from lakehouse.cdc.table_store import TableStore
from lakehouse.contracts import REWARD_RULES
from lakehouse.refresh.table_setup import create_tables
from lakehouse.spark.literals import lit
from support.awkward_names import USABLE

TABLE_ROWS = [
    (1, "é ' \" %20", Decimal("1.50"), date(300, 1, 1), datetime.fromisoformat("2026-03-29T02:30"), [1, 2]),
    (2, None, None, None, None, None),
    (3, "", Decimal("-0.01"), date(9999, 12, 31), datetime.fromisoformat("1900-01-01"), []),
]
TABLE_SCHEMA = "n INT, text STRING, amount DECIMAL(9,2), day DATE, at TIMESTAMP_NTZ, list ARRAY<INT>"


def write(rows: DataFrame, path: Path, *partition_by: str, mode: str = "append", **properties: str) -> None:
    options = {f"delta.{name}": value for name, value in properties.items()}
    rows.write.format("delta").mode(mode).partitionBy(*partition_by).options(**options).save(str(path))


def rows_of(frame: DataFrame) -> list[str]:
    return sorted(map(str, frame.collect()))


def assert_same_as_delta(spark: SparkSession, path: Path) -> None:
    plain, by_delta = read_plain(spark, str(path)), spark.read.format("delta").load(str(path))
    if PATTERN_CHARACTERS & set(str(path)):
        assert plain is None
        return
    assert plain is not None
    assert plain.dtypes == by_delta.dtypes
    assert rows_of(plain) == rows_of(by_delta)
    assert "delta" not in str(plain._jdf.queryExecution().analyzed()).lower()  # noqa: SLF001 - has no Python name


@pytest.fixture
def rows(spark: SparkSession) -> DataFrame:
    return spark.createDataFrame(TABLE_ROWS, TABLE_SCHEMA)


@pytest.mark.parametrize("name", USABLE, ids=ascii)
def test_rows_and_types_are_those_of_delta_in_any_folder(
    spark: SparkSession, rows: DataFrame, tmp_path: Path, name: str
) -> None:
    path = tmp_path / name / "k=1" / "table"
    write(rows, path)
    write(rows, path)
    DeltaTable.forPath(spark, str(path)).delete("n = 2")
    assert_same_as_delta(spark, path)


@pytest.mark.parametrize("columns", [["n"], ["day", "n"], ["amount"]], ids=str)
def test_partition_columns_keep_their_place_and_type(
    spark: SparkSession, rows: DataFrame, tmp_path: Path, columns: Sequence[str]
) -> None:
    write(rows.dropna(subset=["day"]), tmp_path, *columns)
    assert_same_as_delta(spark, tmp_path)


def test_column_that_older_files_lack_is_null_in_their_rows(
    spark: SparkSession, rows: DataFrame, tmp_path: Path
) -> None:
    write(rows.drop("text"), tmp_path)
    rows.write.format("delta").mode("append").option("mergeSchema", "true").save(str(tmp_path))
    assert_same_as_delta(spark, tmp_path)


def test_table_without_rows_has_its_columns(spark: SparkSession, rows: DataFrame, tmp_path: Path) -> None:
    write(rows, tmp_path)
    DeltaTable.forPath(spark, str(tmp_path)).delete()
    assert_same_as_delta(spark, tmp_path)
    assert DeltaTable.forPath(spark, str(tmp_path)).toDF().isEmpty()


def delete_by_vector(spark: SparkSession, rows: DataFrame, path: Path) -> None:
    write(rows.repartition(1), path, enableDeletionVectors="true")
    DeltaTable.forPath(spark, str(path)).delete("n = 1")


def map_columns(spark: SparkSession, rows: DataFrame, path: Path) -> None:
    write(rows, path, **{"columnMapping.mode": "name"})
    spark.sql(f"ALTER TABLE delta.`{path}` RENAME COLUMN text TO texte")


def widen_type(spark: SparkSession, rows: DataFrame, path: Path) -> None:
    write(rows, path, enableTypeWidening="true")
    spark.sql(f"ALTER TABLE delta.`{path}` ALTER COLUMN n TYPE BIGINT")


def partition_by_awkward_text(_: SparkSession, rows: DataFrame, path: Path) -> None:
    write(rows, path, "text")


def write_many_files(_: SparkSession, rows: DataFrame, path: Path) -> None:
    spread = rows.crossJoin(rows.sparkSession.range(100)).drop("id")
    write(spread.repartition(MAX_PLAIN_FILES + 1), path)


@pytest.mark.parametrize(
    "make", [delete_by_vector, map_columns, widen_type, partition_by_awkward_text, write_many_files]
)
def test_table_whose_files_are_not_its_rows_or_too_many_is_left_to_delta(
    spark: SparkSession, rows: DataFrame, tmp_path: Path, make: Callable[[SparkSession, DataFrame, Path], None]
) -> None:
    make(spark, rows, tmp_path / "bronze" / "table")
    assert read_plain(spark, str(tmp_path / "bronze" / "table")) is None
    read = Lake(spark, TableStore(str(tmp_path))).read("bronze", "table")
    assert rows_of(read) == rows_of(spark.read.format("delta").load(str(tmp_path / "bronze" / "table")))


def test_file_outside_of_the_table_is_left_to_delta(spark: SparkSession, rows: DataFrame, tmp_path: Path) -> None:
    write(rows, tmp_path / "source")
    spark.sql(f"CREATE TABLE delta.`{tmp_path}/clone` SHALLOW CLONE delta.`{tmp_path}/source`")
    assert read_plain(spark, str(tmp_path / "clone")) is None


@pytest.mark.parametrize("name", ["_x.parquet", ".x.parquet", "x._COPYING_"])
def test_file_with_a_name_that_spark_takes_for_hidden_is_left_to_delta(
    spark: SparkSession, rows: DataFrame, tmp_path: Path, name: str
) -> None:
    write(rows.repartition(1), tmp_path)
    [version], [file] = tmp_path.glob("_delta_log/*.json"), tmp_path.glob("*.parquet")
    version.write_text(version.read_text(encoding="utf-8").replace(file.name, name), encoding="utf-8")
    file.rename(tmp_path / name)
    for checksum in tmp_path.glob("_delta_log/*.crc"):
        checksum.unlink()
    assert read_plain(spark, str(tmp_path)) is None
    assert spark.read.format("delta").load(str(tmp_path)).count() == len(TABLE_ROWS)


@pytest.mark.parametrize(("logged", "folder"), [(None, "None"), ("__HIVE_DEFAULT_PARTITION__",) * 2])
def test_partition_of_null_is_left_to_delta(
    spark: SparkSession, rows: DataFrame, tmp_path: Path, logged: str | None, folder: str
) -> None:
    write(rows.where("n = 1").withColumn("text", lit("a")), tmp_path, "text")
    [version] = tmp_path.glob("_delta_log/*.json")
    log = version.read_text(encoding="utf-8").replace('{"text":"a"}', json.dumps({"text": logged}))
    version.write_text(log.replace("text=a/", f"text={folder}/"), encoding="utf-8")
    (tmp_path / "text=a").rename(tmp_path / f"text={folder}")
    for checksum in tmp_path.glob("_delta_log/*.crc"):
        checksum.unlink()
    assert read_plain(spark, str(tmp_path)) is None


def bronze_rows(spark: SparkSession, incarnation: int, partition: int, offsets: range) -> DataFrame:
    return spark.range(offsets.start, offsets.stop, numPartitions=1).select(
        lit(incarnation).alias("incarnation"), lit(partition).alias("partition"), F.col("id").alias("offset")
    )


def test_bronze_between_two_offsets_reads_the_files_that_have_some(spark: SparkSession, tmp_path: Path) -> None:
    lake = Lake(spark, TableStore(str(tmp_path)))
    create_tables(lake.store)
    lake.store.create_bronze(REWARD_RULES, {})
    places = [(1, 0), (1, 1), (2, 0)]
    for start in range(0, 100, 10):
        for place in places:
            lake.append(bronze_rows(spark, *place, range(start, start + 10)), "bronze", REWARD_RULES.table)
    after, upto = {TopicPartition(1, 0): 14}, {TopicPartition(1, 0): 35, TopicPartition(2, 0): 4}
    between = lake.bronze_between(REWARD_RULES, after, upto)
    expected = {(1, 0, n) for n in range(15, 36)} | {(2, 0, n) for n in range(5)}
    assert {(row.incarnation, row.partition, row.offset) for row in between.collect()} == expected
    assert len(between.inputFiles()) == 4


def test_rows_stay_those_of_the_moment_when_they_were_read(
    spark: SparkSession, rows: DataFrame, tmp_path: Path
) -> None:
    write(rows, tmp_path)
    before: Any = read_plain(spark, str(tmp_path))
    write(rows.limit(1), tmp_path, mode="overwrite")
    assert before.count() == len(TABLE_ROWS)
