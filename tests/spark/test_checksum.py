"""The canonical text of a value in Spark and DataFusion: equal for equal values, different for different ones."""

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from lakehouse.cdc import table_query
from lakehouse.cdc.lake import Lake
from lakehouse.cdc.table_store import TableStore
from lakehouse.contracts.company import captured_table
from lakehouse.errors import BadInput
from lakehouse.reconcile import canonical
from lakehouse.reconcile.checksums import Selection, all_rows, spark_checksums, spark_key_texts
from lakehouse.reconcile.stored_checksums import stored_checksums, stored_count
from spark.messages import SHOES

CANONICAL_TEXTS = {
    "int: -5": "-5",
    "bigint: 9223372036854775807": "9223372036854775807",
    "boolean: true": "true",
    "decimal(6,4): 0.1000": "0.1",
    "decimal(12,2): 100.00": "100",
    "decimal(5,0): 100": "100",
    "decimal(12,2): 0.00": "0",
    "decimal(20,10): -0.0000000001": "-0.0000000001",
    "date: 1969-12-31": "-1",
    "date: 1900-01-01": "-25567",
    "date: 9999-12-31": "2932896",
    "timestamp: 1969-12-31 23:59:59.999999Z": "-1",
    "timestamp: 0001-01-01 00:00:00Z": "-62135596800000000",
    "timestamp: 9999-12-31 23:59:59.999999Z": "253402300799999999",
    "timestamp: 1582-10-10 00:00:00Z": "-12219724800000000",
    "timestamp: 1900-01-01 00:00:00.000001Z": "-2208988799999999",
    "timestamp: 2300-01-01 00:00:00Z": "10413792000000000",
    "timestamp: 2026-06-01 10:00:00.000001+02:00": "1780300800000001",
    "timestamp_ntz: 1900-01-01 00:00:00.5": "-2208988799500000",
    "timestamp_ntz: 0001-01-01 00:00:00": "-62135596800000000",
    "string: ": "",
    "string: été 😀": "été 😀",
    "string: a,b": r"a\,b",
    r"string: \N": r"\\N",
}


def canonical_text(spark: SparkSession, kind: str, value: str | None) -> str:
    contract = captured_table(table="t", key=("x",), columns={"x": kind})
    rows = spark.createDataFrame([(value,)], "x string").selectExpr(f"cast(x AS {kind}) AS x")
    row = rows.select(canonical.spark_field_text(contract, "x").alias("text")).first()
    assert row is not None
    return str(row.text)


@pytest.mark.parametrize("value", CANONICAL_TEXTS)
def test_each_type_has_one_canonical_text(spark: SparkSession, value: str) -> None:
    kind, literal = value.split(": ", 1)
    assert canonical_text(spark, kind, literal) == CANONICAL_TEXTS[value]


def test_stored_value_has_the_same_text_in_datafusion(spark: SparkSession, tmp_path: Path) -> None:
    kinds = {f"x{number}": value.split(": ", 1) for number, value in enumerate(CANONICAL_TEXTS)}
    contract = captured_table(table="t", key=("x0",), columns={name: kind for name, (kind, _) in kinds.items()})
    texts = spark.createDataFrame(
        [[literal for _, literal in kinds.values()], [None] * len(kinds)], ", ".join(f"{name} string" for name in kinds)
    )
    lake = Lake(spark, TableStore(str(tmp_path)))
    lake.append(texts.selectExpr(*(f"cast({name} AS {kind})" for name, (kind, _) in kinds.items())), "silver", "t")
    fields = ", ".join(f"{canonical.datafusion_field_text(contract, name)} AS {name}" for name in kinds)
    rows = table_query.query_all(lake.store, f"SELECT {fields} FROM stored", stored=("silver", "t"))  # noqa: S608 - of names
    nulls, found = sorted(rows, key=lambda row: str(row["x0"] != canonical.NULL_TEXT))
    assert list(found.values()) == list(CANONICAL_TEXTS.values())
    assert {*nulls.values()} == {canonical.NULL_TEXT}


def test_null_has_its_own_canonical_text(spark: SparkSession) -> None:
    nulls = {canonical_text(spark, value.split(": ", maxsplit=1)[0], None) for value in CANONICAL_TEXTS}
    assert nulls == {canonical.NULL_TEXT}
    assert canonical.NULL_TEXT not in CANONICAL_TEXTS.values()


def test_type_without_a_canonical_text_is_an_error_that_names_the_column() -> None:
    contract = captured_table(table="t", key=("x",), columns={"x": "double"})
    for field_text in (canonical.spark_field_text, canonical.postgres_field_text, canonical.datafusion_field_text):
        with pytest.raises(BadInput, match="t: x is of type double"):
            field_text(contract, "x")


def bucket_checksums(spark: SparkSession, *rows: tuple[Any, ...]) -> dict[str, Any]:
    words = replace(SHOES, columns={"id": "int", "a": "string", "b": "string"})
    return dict(spark_checksums(spark.createDataFrame([*rows], "id int, a string, b string"), words, [*words.columns]))


def test_row_checksum_depends_on_every_column_and_its_position(spark: SparkSession) -> None:
    checksums = bucket_checksums(spark, (1, "x", "y"))
    others = [
        (1, "y", "x"),
        (1, "x,y", ""),
        (1, "", "x,y"),
        (1, None, "y"),
        (1, "", "y"),
        (1, "x,", "y"),
        (1, "x", ",y"),
    ]
    assert len({str(bucket_checksums(spark, row)) for row in others} | {str(checksums)}) == len(others) + 1
    assert checksums == bucket_checksums(spark, (1, "x", "y"))


def test_bucket_checksum_does_not_depend_on_row_order_and_counts_duplicates(spark: SparkSession) -> None:
    rows = [(number, "x", None) for number in range(20)]
    assert bucket_checksums(spark, *rows) == bucket_checksums(spark, *reversed(rows))
    assert sum(count for count, _ in bucket_checksums(spark, *rows, rows[0]).values()) == 21
    assert all(re.fullmatch("[0-9a-f]{3}", bucket) for bucket in bucket_checksums(spark, *rows))


def test_checksums_of_stored_rows_are_those_of_spark(spark: SparkSession, tmp_path: Path) -> None:
    words = replace(SHOES, key=("id", "a"), columns={"id": "int", "a": "string", "b": "string"})
    values = ["x", "l'été", "a\\b", 'd"q', "a,b", "", "-- c", "%", "😀", None]
    rows = spark.createDataFrame(
        [(number, values[number % 10], values[number // 10 % 10]) for number in range(5_000)],
        "id int, a string, b string",
    )
    lake = Lake(spark, TableStore(str(tmp_path)))
    lake.append(rows, "silver", words.table)
    every = all_rows(words)
    assert stored_checksums(lake.store, words, every) == spark_checksums(rows, words, every.columns)

    selection = Selection(["id", "b"], "a", ["l'été", "a\\b", "-- c", ""])
    selected = rows.where(F.col("a").isin(*selection.values))
    assert stored_checksums(lake.store, words, selection) == spark_checksums(selected, words, selection.columns)
    assert stored_checksums(lake.store, words, Selection(["id"], "a", [])) == {}

    left_out = spark_key_texts(rows.where("id % 7 = 0"), words)
    others = rows.where("id % 7 <> 0")
    assert stored_checksums(lake.store, words, every, left_out) == spark_checksums(others, words, every.columns)
    assert stored_count(lake.store, words, left_out) == others.count()
