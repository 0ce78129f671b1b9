"""Law 1: two processes that commit to a table at once both get in, or one is refused and tries again.

Each test pauses a Spark commit between the log store's check of the version and its write. Another process commits in
between. With LOG_STORE=io.delta.storage.LocalLogStore the tests run with Delta's own store, which loses rows in most of
them.
"""

import os
from collections.abc import Callable, Iterable, Iterator
from itertools import product
from pathlib import Path

import pytest
from _pytest.mark import ParameterSet
from deltalake import DeltaTable
from pyspark.sql import SparkSession

from lakehouse.cdc.fence import LeasedStamps, WriterLease, fence_table
from lakehouse.cdc.table_store import TableStore
from lakehouse.spark.session import LOG_STORE
from spark import pausing_writer, writers
from spark.writers import PausingWriter, Rows, create_table, read_rows


def upsert(note: str, *ids: int) -> Callable[[Rows], Rows]:
    """Return a function that adds or replaces the rows of these ids."""
    return lambda rows: [*remove(*ids)(rows), *((id_, note) for id_ in ids)]


def remove(*ids: int) -> Callable[[Rows], Rows]:
    return lambda rows: [row for row in rows if row[0] not in ids]


# How each operation changes the rows, before or after the other one; operations not listed change none.
EFFECTS: dict[str, Callable[[Rows], Rows]] = {
    "append": lambda rows: [*rows, *((id_, "appended") for id_ in range(100, 105))],
    "overwrite": lambda _: [(300, "overwritten"), (301, "overwritten")],
    "replace_where": upsert("replaced", 8, 9),
    "merge": upsert("merged", 1, 200),
    "delete": remove(3),
    "delta-rs append": lambda rows: [*rows, (400, "from delta-rs"), (401, "from delta-rs")],
    "delta-rs delete": remove(4),
}
SPARK_WRITES = ("append", "overwrite", "replace_where", "merge", "delete")
DELTA_RS_WRITES = tuple(writers.DELTA_RS_OPERATIONS)
# delta-rs lets both commit and duplicates each row; cdc/maintenance.py runs one at a time (test_maintenance.py).
UNSAFE_PAIRS = {*product(("compact", "compact_and_checkpoint"), repeat=2)}
# What a stream, a refresh and maintenance do concurrently all day.
COMMON_PAIRS = {
    *product(("append", "merge"), ("append", "set_properties", "compact_and_checkpoint", "vacuum", "clean_log")),
    *product(("compact", "set_properties"), ("append", "merge", "overwrite")),
    ("merge", "merge"),
    ("overwrite", "overwrite"),
}


def writer_pairs(paused: Iterable[str], concurrent: Iterable[str]) -> list[ParameterSet]:
    """Return the pairs of the two writers' operations; the rare ones run in test-all only."""
    pairs = (pair for pair in product(paused, concurrent) if pair not in UNSAFE_PAIRS)
    return [pytest.param(*pair, marks=() if pair in COMMON_PAIRS else (pytest.mark.long,)) for pair in pairs]


@pytest.fixture(scope="module")
def writer(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PausingWriter]:
    with writers.start_pausing_writer(
        tmp_path_factory.mktemp("paused"), os.environ.get("LOG_STORE", LOG_STORE[1])
    ) as writer:
        yield writer


@pytest.mark.parametrize(("paused", "concurrent"), writer_pairs(SPARK_WRITES, DELTA_RS_WRITES))
def test_delta_rs_commit_during_a_paused_spark_commit_keeps_both(
    writer: PausingWriter, tmp_path: Path, paused: str, concurrent: str
) -> None:
    before = create_table(tmp_path)
    with writer.paused(paused, tmp_path) as result:
        assert writers.run_operation(concurrent, tmp_path) == 0
    if concurrent == "clean_log" and "error" in result.result(120):
        # Its first commits are gone from the log. It fails before or after its own commit, and a stream then restarts.
        assert sorted(before) == read_rows(tmp_path) or sorted(EFFECTS[paused](before)) == read_rows(tmp_path)
        return
    assert "error" not in result.result(120)
    assert_both_applied(tmp_path, before, paused, f"delta-rs {concurrent}")


@pytest.mark.parametrize("concurrent", ["none", "append"])
@pytest.mark.parametrize("paused", SPARK_WRITES)
def test_paused_spark_commit_is_refused_once_its_lease_has_passed_on(
    writer: PausingWriter, tmp_path: Path, paused: str, concurrent: str
) -> None:
    before, store = create_table(tmp_path / "layer" / "table"), TableStore(str(tmp_path))
    old, new = WriterLease("stream", 7), WriterLease("stream", 8)
    fence_table(store, "layer", "table", old)
    stamp = LeasedStamps(store, old).next("layer", "table")
    path = tmp_path / "layer" / "table"
    with writer.paused(paused, path, stamp) as result:
        fence_table(store, "layer", "table", new)
        if concurrent != "none":
            writers.run_operation(concurrent, path)
    assert "the lease 7 of the job stream has passed to lease 8" in str(result.result(120).get("error"))
    assert read_rows(path) == sorted(EFFECTS.get(f"delta-rs {concurrent}", list)(before))


@pytest.mark.parametrize(("paused", "concurrent"), writer_pairs(SPARK_WRITES, SPARK_WRITES))
def test_spark_commit_during_a_paused_spark_commit_keeps_both(
    writer: PausingWriter, spark: SparkSession, tmp_path: Path, paused: str, concurrent: str
) -> None:
    before = create_table(tmp_path)
    with writer.paused(paused, tmp_path) as result:
        pausing_writer.run_operation(spark, concurrent, str(tmp_path))
    assert "error" not in result.result(120)
    assert_both_applied(tmp_path, before, paused, concurrent)


@pytest.mark.parametrize(("paused", "concurrent"), writer_pairs(DELTA_RS_WRITES, SPARK_WRITES))
def test_delta_rs_on_a_stale_snapshot_after_a_spark_commit_keeps_both(
    spark: SparkSession, tmp_path: Path, paused: str, concurrent: str
) -> None:
    before, stale_table = create_table(tmp_path), DeltaTable(str(tmp_path))
    pausing_writer.run_operation(spark, concurrent, str(tmp_path))
    writers.run_operation(paused, tmp_path, stale_table)
    assert_both_applied(tmp_path, before, concurrent, f"delta-rs {paused}")


@pytest.mark.parametrize(("paused", "concurrent"), writer_pairs(DELTA_RS_WRITES, DELTA_RS_WRITES))
def test_delta_rs_on_a_stale_snapshot_after_a_delta_rs_commit_keeps_both(
    tmp_path: Path, paused: str, concurrent: str
) -> None:
    before, stale_table = create_table(tmp_path), DeltaTable(str(tmp_path))
    writers.run_operation(concurrent, tmp_path)
    writers.run_operation(paused, tmp_path, stale_table)
    assert_both_applied(tmp_path, before, f"delta-rs {concurrent}", f"delta-rs {paused}")


def test_table_created_by_two_writers_at_once_is_one_table(writer: PausingWriter, tmp_path: Path) -> None:
    with writer.paused("create", tmp_path) as result:
        rows = create_table(tmp_path)
    assert "error" not in result.result(120)
    assert read_rows(tmp_path) == rows


def assert_both_applied(path: Path, before: Rows, *operations: str) -> None:
    """Check that the rows are those of both operations in either order, and that the log has both commits."""
    first, second = (EFFECTS.get(operation, list) for operation in operations)
    assert read_rows(path) in (sorted(first(second(before))), sorted(second(first(before))))
    table = DeltaTable(str(path))
    assert (table.metadata().configuration.get("cdc.note") == "set") == ("delta-rs set_properties" in operations)
    assert ("added" in [field.name for field in table.schema().fields]) == ("delta-rs add_column" in operations)
