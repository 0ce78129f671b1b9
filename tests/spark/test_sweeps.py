"""Rows that go without a message of their own: at a TRUNCATE, and by a first snapshot that was read again."""

from pyspark.sql import SparkSession

from spark.engine import Engine
from spark.messages import Change, delete, put

TRUNCATE = Change("t", None)


def found(key: int, snapshot: int, *, ends: bool = False) -> Change:
    return Change("r", key, first_snapshot=snapshot, ends=ends)


def deletes(engine: Engine) -> list[tuple[int, int]]:
    rows = engine.versions.where("_op = 'd'").orderBy("id", "_offset").collect()
    return [(row.id, row._offset) for row in rows]


def test_a_truncate_deletes_what_was_there_and_nothing_else(spark: SparkSession) -> None:
    engine = Engine(spark)
    engine.take(put(1), put(2), delete(2), put(3, -1))
    engine.take(put(4), TRUNCATE, put(1, 51), TRUNCATE, put(5), put(2, 52))
    assert engine.silver == {5: (40, "n"), 2: (52, "n")}
    assert deletes(engine) == [(1, 5), (1, 7), (2, 2), (3, 5), (4, 5)]
    assert [entry["closed_by"] for entry in engine.refused] == ["supprimé"]


def test_a_truncate_that_is_sent_again_deletes_nothing(spark: SparkSession) -> None:
    engine = Engine(spark)
    engine.take(put(1, lsn=10), Change("t", None, lsn=11), put(2, lsn=12))
    engine.take(Change("t", None, lsn=11), put(2, lsn=12), put(3, lsn=13))
    assert engine.silver.keys() == {2, 3}


def test_a_snapshot_read_again_to_its_end_deletes_what_only_the_first_one_found(spark: SparkSession) -> None:
    engine = Engine(spark)
    engine.take(found(1, 100), found(2, 100), found(3, 100))
    assert engine.silver.keys() == {1, 2, 3}
    engine.take(found(1, 200), found(3, 200))
    assert engine.silver.keys() == {1, 2, 3}
    engine.take(found(4, 200, ends=True), put(5))
    assert engine.silver.keys() == {1, 3, 4, 5}


def test_a_partial_snapshot_of_a_live_table_deletes_nothing(spark: SparkSession) -> None:
    engine = Engine(spark)
    engine.take(put(1), put(2), Change("r", 1, 51, ends=True))
    assert engine.silver == {1: (51, "n"), 2: (40, "n")}
