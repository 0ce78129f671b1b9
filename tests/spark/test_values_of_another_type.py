"""A value of another type than the contract's is quarantined, and its last accepted version stays (law 5).

A type changed there and back, with one row in between, stopped every figure for good.
"""

import json
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import pytest
from pyspark.sql import SparkSession

from lakehouse.cdc import table_stats
from lakehouse.cdc.merge.quarantine import entries
from lakehouse.cdc.merge.silver import catch_up, read_batch, reset_table
from lakehouse.contracts.company import captured_table
from lakehouse.errors import SchemaMismatch
from spark.messages import SHOES, Change, delete, to_bronze_frame, update
from spark.sample_lake import SampleLake

PRICE_REASON = ["valeur d'un autre type : price"]
EVERY_TYPE = captured_table(
    table="shoes",
    key=("id",),
    columns={
        "id": "int",
        "big": "bigint",
        "amount": "decimal(12,2)",
        "day": "date",
        "clock": "timestamp_ntz",
        "instant": "timestamp",
        "yes": "boolean",
        "words": "string",
    },
)
FITTING = {
    "id": 1,
    "big": 5,
    "amount": "1.50",
    "day": 20_000,
    "clock": 0,
    "instant": "2026-06-01T10:00:00.000000Z",
    "yes": True,
    "words": "w",
}
# The column, and what Debezium writes after its type was changed.
WRONG_VALUES: dict[str, tuple[str, Any]] = {
    "integer to text": ("big", "abc"),
    "integer to a larger one": ("big", 2**63),
    "integer to numeric": ("big", "1.5"),
    "integer to boolean": ("big", True),
    "numeric with more digits": ("amount", "10000000000.00"),
    "numeric with more places": ("amount", "0.005"),
    "numeric to text": ("amount", "abc"),
    "date to text": ("day", "le 1er juin"),
    "timestamp to text": ("clock", "2026-06-01 10:00"),
    "instant to text": ("instant", "hier"),
    "boolean to text": ("yes", "peut-être"),
}


def wrong(key: int) -> Change:
    return update(key, price="secret")


def fit(keys: Iterable[int]) -> list[Change]:
    return [update(key) for key in keys]


def parse(spark: SparkSession, op: str = "u", key: Any = 1, **after: Any) -> Any:
    change = Change(op, key, raw=json.dumps({"op": op, "after": {**FITTING, **after}}))
    return read_batch(to_bronze_frame(spark, [change]), EVERY_TYPE).changes.first()


@pytest.mark.parametrize(("column", "value"), WRONG_VALUES.values(), ids=WRONG_VALUES)
def test_value_of_another_type_refuses_its_row_and_is_named_by_column(
    spark: SparkSession, column: str, value: Any
) -> None:
    row = parse(spark, **{column: value})
    assert (row["_op"], row["_reasons"]) == ("u", [f"valeur d'un autre type : {column}"])
    assert row[column] is None


def test_value_that_still_fits_after_a_change_of_type_is_accepted(spark: SparkSession) -> None:
    row = parse(spark, big="7", amount=1.5, yes="true", words=12)
    assert row["_reasons"] == []
    assert (row.big, str(row.amount), row.yes, row.words) == (7, "1.50", True, "12")


def test_null_in_a_column_that_was_not_null_is_accepted_where_no_rule_forbids_it(spark: SparkSession) -> None:
    assert parse(spark, big=None, amount=None, day=None, words=None)["_reasons"] == []
    row = parse(spark, id=None)
    assert (row["_op"], row["_reasons"]) == (None, ["message illisible"])


def test_key_of_another_type_changes_no_row_and_is_named(spark: SparkSession) -> None:
    row = parse(spark, id="abc")
    assert (row["_op"], row.id, row["_reasons"]) == (None, None, ["valeur d'un autre type : id"])
    deletion = replace(delete(1), raw='{"op": "d", "before": {"id": "abc"}}')
    messages = to_bronze_frame(spark, [deletion]).drop("key").selectExpr("*", """'{"id":"abc"}' AS key""")
    [deleted] = read_batch(messages, EVERY_TYPE).changes.collect()
    assert (deleted["_op"], deleted["_reasons"]) == (None, ["valeur d'un autre type : id"])


@pytest.mark.long
def test_rules_say_nothing_of_a_row_whose_values_are_not_known(sample_lake: SampleLake) -> None:
    sample_lake.merge(update(1, -1, price="secret"))
    assert sample_lake.quarantine_entries() == [('{"id":1}', PRICE_REASON, None)]


def test_one_wrong_row_is_quarantined_and_the_others_go_on(sample_lake: SampleLake) -> None:
    sample_lake.merge(update(1, 41), update(2, 42))
    result = sample_lake.merge(update(1, 51, price="secret"), update(2, 52), update(3, 53, price="secret"))
    assert (result.changes, result.refused) == (3, 2)
    assert sample_lake.silver_sizes() == {1: 41, 2: 52}
    assert sample_lake.quarantine_entries() == [('{"id":1}', PRICE_REASON, None), ('{"id":3}', PRICE_REASON, None)]
    sample_lake.merge(update(1, 61), delete(3))
    assert sample_lake.silver_sizes() == {1: 61, 2: 52}
    assert [by for _, _, by in sample_lake.quarantine_entries()] == ["corrigé", "supprimé"]


@pytest.mark.parametrize(("wrong_rows", "other_rows"), [pytest.param(19, 0, marks=pytest.mark.long), (20, 180)])
def test_rows_up_to_the_threshold_are_quarantined(sample_lake: SampleLake, wrong_rows: int, other_rows: int) -> None:
    result = sample_lake.merge(*map(wrong, range(wrong_rows)), *fit(range(100, 100 + other_rows)))
    assert (result.refused, len(sample_lake.silver_sizes())) == (wrong_rows, other_rows)


@pytest.mark.parametrize(("wrong_rows", "other_rows"), [pytest.param(20, 0, marks=pytest.mark.long), (20, 179)])
def test_rows_beyond_the_threshold_stop_the_table_before_anything_is_written(
    sample_lake: SampleLake, wrong_rows: int, other_rows: int
) -> None:
    sample_lake.merge(update(999, 41))
    message = rf"shoes: {wrong_rows} of {wrong_rows + other_rows} changes .* price at .*, partition 0, offset 1\."
    with pytest.raises(SchemaMismatch, match=message) as error:
        sample_lake.merge(*map(wrong, range(wrong_rows)), *fit(range(100, 100 + other_rows)))
    assert "secret" not in str(error.value)
    assert "refuse_change.py --table shoes" in str(error.value)
    assert sample_lake.silver_sizes() == {999: 41}
    assert sample_lake.quarantine_entries() == []


@pytest.mark.long
def test_rows_quarantined_by_two_merges_stop_no_rebuild(sample_lake: SampleLake) -> None:
    sample_lake.merge(*map(wrong, range(15)))
    sample_lake.merge(*map(wrong, range(100, 115)), update(999, 41))
    reset_table(sample_lake.lake, SHOES)
    assert sample_lake.merge().refused == 30
    assert sample_lake.silver_sizes() == {999: 41}
    reset_table(sample_lake.lake, SHOES)
    with pytest.raises(SchemaMismatch, match="shoes: 20 of 51 changes"):
        sample_lake.merge(*map(wrong, range(200, 220)))


def test_column_that_is_missing_stops_the_table_and_one_that_came_back_does_not(sample_lake: SampleLake) -> None:
    without_price = Change("u", 2, raw='{"op": "u", "after": {"id": 2, "size": 1, "note": null}}')
    with pytest.raises(SchemaMismatch, match="shoes: price is in the contract"):
        sample_lake.merge(without_price)
    sample_lake.merge(update(1, 41))
    assert sample_lake.silver_sizes() == {1: 41, 2: 1}


@pytest.mark.long
def test_contract_that_follows_the_change_of_type_takes_in_what_was_refused(sample_lake: SampleLake) -> None:
    sample_lake.merge(update(1, 41), update(2, 42, price="cher"))
    assert sample_lake.silver_sizes() == {1: 41}
    followed = replace(SHOES, columns={**SHOES.columns, "price": "string"})
    catch_up(sample_lake.lake, followed, table_stats.bronze_offsets(sample_lake.store, SHOES))
    assert {row.id: row.price for row in sample_lake.lake.silver(SHOES).collect()} == {1: "1.00", 2: "cher"}
    assert sample_lake.quarantine_entries() == []


def test_entry_names_whose_row_it_is_also_where_the_change_does_not(spark: SparkSession) -> None:
    owned = replace(SHOES, subject=("size", "id"))
    changes = [
        update(1, 7),
        update(1, 7, price="secret"),
        Change("u", 1, raw='{"op": "u", "after": {"id": 1, "size": "abc", "note": null, "price": null}}'),
        delete(1),
        Change("u", 1, raw='{"op": "u", "after": {"id": 1, "size": "abc", "note": null, "price": null}}'),
    ]
    batch = read_batch(to_bronze_frame(spark, changes), owned)
    found = {row.offset: row.subject for row in entries(batch.changes, owned).collect()}
    assert found == {1: "7", 2: "7", 4: None}
