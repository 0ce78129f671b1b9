"""A value's text, as Spark gives it: equal for equal values, and different for different ones."""

import re
from dataclasses import replace
from typing import Any

import pytest
from pyspark.sql import SparkSession

from lakehouse.cdc.contract import Contract
from lakehouse.errors import BadInput
from lakehouse.reconcile import canonical
from lakehouse.reconcile.sums import sums_in_spark
from spark.messages import SHOES

TEXTS = {
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


def text(spark: SparkSession, kind: str, value: str | None) -> str:
    contract = Contract(table="t", key=("x",), columns={"x": kind})
    rows = spark.createDataFrame([(value,)], "x string").selectExpr(f"cast(x AS {kind}) AS x")
    row = rows.select(canonical.field_in_spark(contract, "x").alias("text")).first()
    assert row is not None
    return str(row.text)


@pytest.mark.parametrize("value", TEXTS)
def test_a_value_has_one_text(spark: SparkSession, value: str) -> None:
    kind, given = value.split(": ", 1)
    assert text(spark, kind, given) == TEXTS[value]


def test_null_is_none_of_the_texts(spark: SparkSession) -> None:
    nulls = {text(spark, value.split(": ", maxsplit=1)[0], None) for value in TEXTS}
    assert nulls == {canonical.NULL}
    assert canonical.NULL not in TEXTS.values()


def test_a_type_that_has_no_text_is_named_and_not_passed_over() -> None:
    contract = Contract(table="t", key=("x",), columns={"x": "double"})
    for one in (canonical.field_in_spark, canonical.field_in_postgres):
        with pytest.raises(BadInput, match="t: x is of type double"):
            one(contract, "x")


def sums(spark: SparkSession, *rows: tuple[Any, ...]) -> dict[str, Any]:
    words = replace(SHOES, columns={"id": "int", "a": "string", "b": "string"})
    return dict(sums_in_spark(spark.createDataFrame([*rows], "id int, a string, b string"), words))


def test_a_row_counts_with_all_its_columns_and_their_places(spark: SparkSession) -> None:
    one = sums(spark, (1, "x", "y"))
    others = [
        (1, "y", "x"),
        (1, "x,y", ""),
        (1, "", "x,y"),
        (1, None, "y"),
        (1, "", "y"),
        (1, "x,", "y"),
        (1, "x", ",y"),
    ]
    assert len({str(sums(spark, row)) for row in others} | {str(one)}) == len(others) + 1
    assert one == sums(spark, (1, "x", "y"))


def test_rows_add_up_in_any_order(spark: SparkSession) -> None:
    rows = [(number, "x", None) for number in range(20)]
    assert sums(spark, *rows) == sums(spark, *reversed(rows))
    assert sum(count for count, _ in sums(spark, *rows, rows[0]).values()) == 21
    assert all(re.fullmatch("[0-9a-f]{3}", bucket) for bucket in sums(spark, *rows))
