"""A key change carries over TOASTed values, however often the key changes and whatever the batches are."""

import pytest
from pyspark.sql import SparkSession

from lakehouse.cdc.merge.envelope import UNAVAILABLE_VALUE
from spark.in_memory_engine import InMemoryEngine
from spark.messages import Change, delete, update

TOASTED_TEXT = "kept out of line"


def key_change(old_key: int, new_key: int, lsn: int) -> list[Change]:
    return [delete(old_key, lsn=lsn), Change("c", new_key, 40, UNAVAILABLE_VALUE, lsn=lsn)]


@pytest.mark.parametrize("first_batch_size", [3, *(pytest.param(size, marks=pytest.mark.long) for size in (1, 2, 5))])
def test_key_changed_twice_keeps_its_toasted_value(spark: SparkSession, first_batch_size: int) -> None:
    messages = [
        update(1, note=TOASTED_TEXT, lsn=1),
        *key_change(1, 11, 2),
        update(1, note="another", lsn=3),
        *key_change(11, 12, 4),
    ]
    engine = InMemoryEngine(spark)
    engine.apply_batch(*messages[:first_batch_size])
    engine.apply_batch(*messages[first_batch_size:])
    assert engine.silver == {12: (40, TOASTED_TEXT), 1: (40, "another")}


def test_reused_key_does_not_inherit_the_toasted_value_of_a_deleted_row(spark: SparkSession) -> None:
    engine = InMemoryEngine(spark)
    engine.apply_batch(
        update(2, note="long gone", lsn=1), delete(2, lsn=2), Change("c", 2, 41, UNAVAILABLE_VALUE, lsn=3)
    )
    assert engine.silver == {}
    assert engine.quarantined[0]["reasons"] == ["valeur non transmise : note"]
    engine.apply_batch(update(2, 42, note="whole", lsn=4), update(2, 43, note=UNAVAILABLE_VALUE, lsn=5))
    assert engine.silver == {2: (43, "whole")}
    assert engine.quarantined[0]["closed_by"] == "corrigé"
