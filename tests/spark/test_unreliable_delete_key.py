"""Law 5: a delete without the key of its row is quarantined with its reason, and deletes no other row.

Under REPLICA IDENTITY USING INDEX, Postgres sends the index's columns; Debezium then writes a key of zeros.
"""

import json
from collections.abc import Mapping
from typing import Any

import pytest
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from lakehouse.cdc.merge.silver import read_batch
from lakehouse.contracts import DISTANCE_CACHE, REWARD_RULES
from spark.messages import SHOES, Change, to_bronze_frame, update
from spark.sample_lake import SampleLake

REASON = "suppression sans la clé de la ligne"
ZEROS = {"size": 0, "note": "", "price": "0.00"}
NULLS = {"size": None, "note": None, "price": None}
Before = dict[str, Any] | None
UNRELIABLE_DELETES: dict[str, tuple[int, Before]] = {
    "identity of another index": (0, {"id": 0, "size": 44, "note": None, "price": None}),
    "identity of another index, with zeros": (0, {**ZEROS, "id": 0, "note": "a"}),
    "before has another key": (1, {**NULLS, "id": 2}),
}
RELIABLE_DELETES: dict[str, tuple[int, Before]] = {
    "identity DEFAULT": (1, {**NULLS, "id": 1}),
    "identity DEFAULT, columns without NULLs": (1, {**ZEROS, "id": 1}),
    "identity DEFAULT, key 0": (0, {**ZEROS, "id": 0}),
    "identity FULL": (1, {"id": 1, "size": 40, "note": "n", "price": "1.00"}),
    "before without the key": (1, {"size": 40}),
    "no before": (1, None),
}


def each_but_one_long(deletes: Mapping[str, tuple[int, Before]]) -> list[Any]:
    """Return the deletes as parameters: all but the first are left to make test-all."""
    return [
        pytest.param(*delete, id=name, marks=[pytest.mark.long] if number else [])
        for number, (name, delete) in enumerate(deletes.items())
    ]


def deletion(key: int, before: Before) -> Change:
    envelope = {"op": "d", "before": before, "after": None, "source": {"snapshot": "false"}}
    return Change("d", key, raw=json.dumps(envelope))


@pytest.mark.parametrize(("key", "before"), each_but_one_long(UNRELIABLE_DELETES))
def test_delete_with_an_unreliable_key_is_quarantined_and_deletes_no_row(
    sample_lake: SampleLake, key: int, before: Before
) -> None:
    sample_lake.merge(update(0, 40), update(1, 41), update(2, 42))
    assert sample_lake.merge(deletion(key, before)).refused == 1
    assert sample_lake.silver_sizes() == {0: 40, 1: 41, 2: 42}
    assert [(reasons, by) for _, reasons, by in sample_lake.quarantine_entries()] == [([REASON], None)]


@pytest.mark.parametrize(("key", "before"), each_but_one_long(RELIABLE_DELETES))
def test_delete_with_the_key_of_its_row_deletes_it(sample_lake: SampleLake, key: int, before: Before) -> None:
    sample_lake.merge(update(0, 40), update(1, 41))
    assert sample_lake.merge(deletion(key, before)).refused == 0
    assert sample_lake.silver_sizes() == {other: size for other, size in {0: 40, 1: 41}.items() if other != key}


def test_delete_whose_key_has_another_field_is_quarantined(spark: SparkSession) -> None:
    messages = to_bronze_frame(spark, [deletion(1, {**NULLS, "id": 1})]).withColumn(
        "key", F.expr('\'{"id":1,"size":2}\'')
    )
    [row] = read_batch(messages, SHOES).changes.collect()
    assert (row["_op"], row["_reasons"]) == (None, [REASON])


def test_delete_of_a_distance_by_its_addresses_is_quarantined(spark: SparkSession) -> None:
    """The message of case 16: the identity was the unique index of the four text columns."""
    before = {
        "id": 0,
        "origin_address": "1 rue Fictive, 34000 X",
        "destination_address": "ailleurs",
        "travel_mode": "walking",
        "distance_m": None,
        "duration_s": None,
        "provider": "estimate",
        "status": "",
        "error_message": None,
        "last_updated": "1970-01-01T00:00:00.000000Z",
    }
    [row] = read_batch(to_bronze_frame(spark, [deletion(0, before)]), DISTANCE_CACHE).changes.collect()
    assert (row["_op"], row["_reasons"]) == (None, [REASON])


def test_delete_of_the_reward_rule_of_1970_is_a_delete(spark: SparkSession) -> None:
    """The day 1970-01-01 is written as 0."""
    before = {"valid_from": 0, "bonus_rate": "0.0000", "walk_limit_m": 0, "activity_window": "", "destination": ""}
    messages = to_bronze_frame(spark, [deletion(0, before)]).withColumn("key", F.expr("'{\"valid_from\":0}'"))
    [row] = read_batch(messages, REWARD_RULES).changes.collect()
    assert (row["_op"], row["_reasons"]) == ("d", [])
