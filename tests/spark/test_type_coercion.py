"""A JSON value of another type than its column's is coerced from its text, or is a type mismatch."""

import json
from typing import Any

from pyspark.sql import Row, SparkSession

from lakehouse.cdc.merge.problems import OUT_OF_RANGE, TYPE_MISMATCH
from lakehouse.cdc.merge.silver import read_batch
from spark.messages import SHOES, Change, to_bronze_frame


def test_number_sent_as_text_is_coerced_to_its_type(spark: SparkSession) -> None:
    row = parse_row(spark, id="7", size="41", note="n", price=1.50)
    assert (row.id, row["size"], row.note, str(row.price)) == (7, 41, "n", "1.50")
    assert (row["_op"], row["_problems"], row["_reasons"]) == ("u", [], [])


def test_value_that_is_not_a_number_is_a_type_mismatch_of_its_column_only(spark: SparkSession) -> None:
    row = parse_row(spark, id=1, size="large", note="n", price="many")
    assert (row.id, row["size"], row.note, row.price) == (1, None, "n", None)
    assert (row["_op"], row["_problems"]) == ("u", [("size", TYPE_MISMATCH), ("price", TYPE_MISMATCH)])


def test_integer_overflow_is_a_type_mismatch_and_nan_is_out_of_range(spark: SparkSession) -> None:
    row = parse_row(spark, id=1, size=2_147_483_648, note="n", price="NAN")
    assert (row.id, row["size"]) == (1, None)
    assert row["_problems"] == [("size", TYPE_MISMATCH), ("price", OUT_OF_RANGE)]


def parse_row(spark: SparkSession, **after: Any) -> Row:
    change = Change("u", 1, raw=json.dumps({"op": "u", "after": after}))
    row = read_batch(to_bronze_frame(spark, [change]), SHOES).changes.first()
    assert row is not None
    return row
