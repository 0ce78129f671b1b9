"""Implicit deletes: rows that a TRUNCATE or a restarted initial snapshot removes without a message of their own."""

from pyspark.sql import SparkSession

from spark.in_memory_engine import InMemoryEngine
from spark.messages import Change, delete, update

TRUNCATE_CHANGE = Change("t", None)


def snapshot_row(key: int, snapshot: int, *, is_last: bool = False) -> Change:
    return Change("r", key, snapshot_lsn=snapshot, is_last_of_snapshot=is_last)


def deletes(engine: InMemoryEngine) -> list[tuple[int, int]]:
    rows = engine.versions.where("_op = 'd'").orderBy("id", "_offset").collect()
    return [(row.id, row["_offset"]) for row in rows]


def test_truncate_deletes_earlier_rows_and_no_later_ones(spark: SparkSession) -> None:
    engine = InMemoryEngine(spark)
    engine.apply_batch(update(1), update(2), delete(2), update(3, -1))
    engine.apply_batch(update(4), TRUNCATE_CHANGE, update(1, 51), TRUNCATE_CHANGE, update(5), update(2, 52))
    assert engine.silver == {5: (40, "n"), 2: (52, "n")}
    assert deletes(engine) == [(1, 5), (1, 7), (2, 2), (3, 5), (4, 5)]
    assert [entry["resolution"] for entry in engine.quarantined] == ["supprimé"]


def test_redelivered_truncate_deletes_nothing(spark: SparkSession) -> None:
    engine = InMemoryEngine(spark)
    engine.apply_batch(update(1, lsn=10), Change("t", None, lsn=11), update(2, lsn=12))
    engine.apply_batch(Change("t", None, lsn=11), update(2, lsn=12), update(3, lsn=13))
    assert engine.silver.keys() == {2, 3}


def test_restarted_initial_snapshot_deletes_rows_that_only_the_first_one_read(spark: SparkSession) -> None:
    engine = InMemoryEngine(spark)
    engine.apply_batch(snapshot_row(1, 100), snapshot_row(2, 100), snapshot_row(3, 100))
    assert engine.silver.keys() == {1, 2, 3}
    engine.apply_batch(snapshot_row(1, 200), snapshot_row(3, 200))
    assert engine.silver.keys() == {1, 2, 3}
    engine.apply_batch(snapshot_row(4, 200, is_last=True), update(5))
    assert engine.silver.keys() == {1, 3, 4, 5}


def test_a_partial_snapshot_of_a_live_table_deletes_nothing(spark: SparkSession) -> None:
    engine = InMemoryEngine(spark)
    engine.apply_batch(update(1), update(2), Change("r", 1, 51, is_last_of_snapshot=True))
    assert engine.silver == {1: (51, "n"), 2: (40, "n")}
