"""A TOASTed value is filled from the last version of its row, even one that was refused."""

from pyspark.sql import SparkSession

from lakehouse.cdc.merge.envelope import UNAVAILABLE_VALUE
from spark.in_memory_engine import InMemoryEngine
from spark.messages import update


def test_toasted_value_is_filled_from_the_last_version_even_if_refused(spark: SparkSession) -> None:
    engine = InMemoryEngine(spark)
    engine.apply_batch(update(1, 41, note="long"), update(2, 42, note="first"))
    engine.apply_batch(
        update(1, 43, note=UNAVAILABLE_VALUE), update(2, -1, note="second"), update(2, 44, note=UNAVAILABLE_VALUE)
    )
    engine.apply_batch(update(1, 45, note=UNAVAILABLE_VALUE))
    assert engine.silver == {1: (45, "long"), 2: (44, "second")}


def test_toasted_value_without_history_is_quarantined_and_never_null(spark: SparkSession) -> None:
    engine = InMemoryEngine(spark)
    engine.apply_batch(update(1, 41, note=UNAVAILABLE_VALUE))
    assert engine.silver == {}
    assert [entry["reasons"] for entry in engine.quarantined] == [["valeur non transmise : note"]]
