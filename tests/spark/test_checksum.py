"""The canonical text of a value in Spark: equal for equal values, different for different ones."""

import re
from dataclasses import replace
from typing import Any

import pytest
from pyspark.sql import SparkSession

from lakehouse.contracts.company import captured_table
from lakehouse.errors import BadInput
from lakehouse.reconcile import canonical
from lakehouse.reconcile.checksums import spark_checksums
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


def test_null_has_its_own_canonical_text(spark: SparkSession) -> None:
    nulls = {canonical_text(spark, value.split(": ", maxsplit=1)[0], None) for value in CANONICAL_TEXTS}
    assert nulls == {canonical.NULL_TEXT}
    assert canonical.NULL_TEXT not in CANONICAL_TEXTS.values()


def test_type_without_a_canonical_text_is_an_error_that_names_the_column() -> None:
    contract = captured_table(table="t", key=("x",), columns={"x": "double"})
    for field_text in (canonical.spark_field_text, canonical.postgres_field_text):
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
