"""A column that messages no longer have is noticed, whatever else they hold; one that is null is not missing."""

import json
from dataclasses import replace
from typing import Any

import pytest
from pyspark.sql import SparkSession

from lakehouse.cdc.merge.envelope import NULLABLE_ENVELOPE_FIELDS
from lakehouse.cdc.merge.silver import read_batch
from spark.messages import SHOES, Change, to_bronze_frame

Json = dict[str, Any]
FULL_ROW: Json = {"id": 2, "size": 40, "note": "n", "price": "1.00"}
NULLS_OF_THE_ENVELOPE = {"source": {"lsn": None, "sequence": None, "xmin": None}, "transaction": None}
WITHOUT_PRICE = {name: value for name, value in FULL_ROW.items() if name != "price"}


def missing_columns(spark: SparkSession, *envelopes: Json, columns: dict[str, str] | None = None) -> list[str]:
    """Return the missing columns of the newest of these messages, written as Debezium writes them, without blanks."""
    changes = [Change("u", 2, raw=json.dumps({"op": "u", **fields}, separators=(",", ":"))) for fields in envelopes]
    contract = replace(SHOES, columns={**SHOES.columns, **(columns or {})})
    missing = read_batch(to_bronze_frame(spark, changes), contract).stats.missing_columns
    return [*missing.columns] if missing else []


@pytest.mark.parametrize(
    "fields",
    [
        {"after": WITHOUT_PRICE},
        {"after": WITHOUT_PRICE | {"size": None, "note": None}},
        {"after": WITHOUT_PRICE | {"note": '"price":null'}},
        {"after": WITHOUT_PRICE | {"note": json.dumps({"price": None}, separators=(",", ":"))}},
        {"after": WITHOUT_PRICE | {"old_price": None}},
        {"before": None, "after": WITHOUT_PRICE, **NULLS_OF_THE_ENVELOPE},
    ],
    ids=lambda fields: str(fields["after"]),
)
def test_column_is_missing_with_others_null_and_in_texts_that_quote_it(spark: SparkSession, fields: Json) -> None:
    assert missing_columns(spark, {"after": FULL_ROW}, fields) == ["price"]


@pytest.mark.parametrize("nulls", [("price",), ("size", "price"), ("note",)], ids=str)
def test_column_that_is_null_is_not_missing(spark: SparkSession, nulls: tuple[str, ...]) -> None:
    row = FULL_ROW | dict.fromkeys(nulls)
    assert missing_columns(spark, {"before": row, "after": row, **NULLS_OF_THE_ENVELOPE}) == []


@pytest.mark.parametrize("name", sorted(NULLABLE_ENVELOPE_FIELDS))
def test_column_named_like_a_null_of_the_message_is_looked_for_in_the_row(spark: SparkSession, name: str) -> None:
    envelope = {"source": {name: None}, name: None, "op": "u"}
    for row, missing in ((FULL_ROW, [name]), (FULL_ROW | {name: None}, []), (FULL_ROW | {name: "x"}, [])):
        assert missing_columns(spark, {**envelope, "after": row}, columns={name: "string"}) == missing
