"""A value that a change left out is what its row had, whoever refused it, however many changes meet."""

from pyspark.sql import SparkSession

from lakehouse.cdc.envelope import UNAVAILABLE
from spark.engine import Engine
from spark.messages import put


def test_a_value_left_out_keeps_what_it_was_also_from_a_refused_version(spark: SparkSession) -> None:
    engine = Engine(spark)
    engine.take(put(1, 41, note="long"), put(2, 42, note="first"))
    engine.take(put(1, 43, note=UNAVAILABLE), put(2, -1, note="second"), put(2, 44, note=UNAVAILABLE))
    engine.take(put(1, 45, note=UNAVAILABLE))
    assert engine.silver == {1: (45, "long"), 2: (44, "second")}


def test_a_value_that_nothing_tells_is_refused_and_never_null(spark: SparkSession) -> None:
    engine = Engine(spark)
    engine.take(put(1, 41, note=UNAVAILABLE))
    assert engine.silver == {}
    assert [entry["reasons"] for entry in engine.refused] == [["valeur non transmise : note"]]
