"""A value that is not written as its type is, is read as text: the number it says, or a value of another type."""

import json
from typing import Any

from pyspark.sql import Row, SparkSession

from lakehouse.cdc.changes import read
from spark.messages import SHOES, Change, bronze


def test_a_number_that_is_written_as_text_is_that_number(spark: SparkSession) -> None:
    found = told(spark, id="7", size="41", note="n", price=1.50)
    assert (found.id, found["size"], found.note, str(found.price)) == (7, 41, "n", "1.50")
    assert (found._op, found._misfits, found._reasons) == ("u", [], [])


def test_what_is_no_number_is_named_and_the_rest_of_its_row_is_read(spark: SparkSession) -> None:
    found = told(spark, id=1, size="large", note="n", price="many")
    assert (found.id, found["size"], found.note, found.price) == (1, None, "n", None)
    assert (found._op, found._misfits, found._beyond) == ("u", ["size", "price"], [])


def test_a_number_too_large_for_its_type_is_of_another_type(spark: SparkSession) -> None:
    found = told(spark, id=1, size=2_147_483_648, note="n", price="NAN")
    assert (found.id, found["size"], found._misfits, found._beyond) == (1, None, ["size"], ["price"])


def told(spark: SparkSession, **after: Any) -> Row:
    change = Change("u", 1, raw=json.dumps({"op": "u", "after": after}))
    row = read(bronze(spark, [change]), SHOES).first()
    assert row is not None
    return row
