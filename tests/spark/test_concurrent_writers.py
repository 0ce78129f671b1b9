"""Law 1: of two processes that commit to a table at the same moment, both are in it, or one is refused and comes again.

Each test holds a commit of Spark's open between the store's look for its version and the writing of it, and lets
another process through meanwhile. LOG_STORE=io.delta.storage.LocalLogStore has them run with Delta's own store, which
loses rows in most of them.
"""

import os
from collections.abc import Callable, Iterable, Iterator
from itertools import product
from pathlib import Path

import pytest
from _pytest.mark import ParameterSet
from deltalake import DeltaTable
from pyspark.sql import SparkSession

from lakehouse.cdc.session import LOG_STORE
from spark import held_writer, writers
from spark.writers import HeldWriter, Rows, make_table, rows_of


def put(note: str, *ids: int) -> Callable[[Rows], Rows]:
    """Return what adds or replaces the rows of these ids."""
    return lambda rows: [*remove(*ids)(rows), *((id_, note) for id_ in ids)]


def remove(*ids: int) -> Callable[[Rows], Rows]:
    return lambda rows: [row for row in rows if row[0] not in ids]


# What each operation makes of the rows, wherever it stands in their order; the others leave them as they are.
EFFECTS: dict[str, Callable[[Rows], Rows]] = {
    "append": lambda rows: [*rows, *((id_, "appended") for id_ in range(100, 105))],
    "overwrite": lambda _: [(300, "overwritten"), (301, "overwritten")],
    "replace_where": put("replaced", 8, 9),
    "merge": put("merged", 1, 200),
    "delete": remove(3),
    "delta-rs append": lambda rows: [*rows, (400, "from delta-rs"), (401, "from delta-rs")],
    "delta-rs delete": remove(4),
}
SPARK = ("append", "overwrite", "replace_where", "merge", "delete")
DELTA_RS = tuple(writers.OPERATIONS)
# delta-rs lets both commit, and doubles each row: cdc/upkeep.py lets none begin beside another (test_upkeep.py).
TWICE = {*product(("compact", "compact_and_checkpoint"), repeat=2)}
# What a flow, a refresh and maintenance do beside one another all day.
EVERY_DAY = {
    *product(("append", "merge"), ("append", "set_properties", "compact_and_checkpoint", "vacuum", "clean_up")),
    *product(("compact", "set_properties"), ("append", "merge", "overwrite")),
    ("merge", "merge"),
    ("overwrite", "overwrite"),
}


def pairs(held: Iterable[str], through: Iterable[str]) -> list[ParameterSet]:
    """Return the pairs of two kinds of writers; those that are rare are left to test-all."""
    each = (pair for pair in product(held, through) if pair not in TWICE)
    return [pytest.param(*pair, marks=() if pair in EVERY_DAY else (pytest.mark.long,)) for pair in each]


@pytest.fixture(scope="module")
def writer(tmp_path_factory: pytest.TempPathFactory) -> Iterator[HeldWriter]:
    with writers.start(tmp_path_factory.mktemp("held"), os.environ.get("LOG_STORE", LOG_STORE[1])) as writer:
        yield writer


@pytest.mark.parametrize(("held", "through"), pairs(SPARK, DELTA_RS))
def test_spark_held_open_and_delta_rs_let_through_are_both_in_the_table(
    writer: HeldWriter, tmp_path: Path, held: str, through: str
) -> None:
    before = make_table(tmp_path)
    with writer.held(held, tmp_path) as result:
        assert writers.carry_out(through, tmp_path) == 0
    if through == "clean_up" and "error" in result.result(120):
        # The commits that it began with are forgotten. It says so, before or after its own; a flow starts again then.
        assert sorted(before) == rows_of(tmp_path) or sorted(EFFECTS[held](before)) == rows_of(tmp_path)
        return
    assert "error" not in result.result(120)
    assert_both(tmp_path, before, held, f"delta-rs {through}")


@pytest.mark.parametrize(("held", "through"), pairs(SPARK, SPARK))
def test_two_spark_processes_are_both_in_the_table(
    writer: HeldWriter, spark: SparkSession, tmp_path: Path, held: str, through: str
) -> None:
    before = make_table(tmp_path)
    with writer.held(held, tmp_path) as result:
        held_writer.carry_out(spark, through, str(tmp_path))
    assert "error" not in result.result(120)
    assert_both(tmp_path, before, held, through)


@pytest.mark.parametrize(("held", "through"), pairs(DELTA_RS, SPARK))
def test_delta_rs_that_has_looked_and_spark_let_through_are_both_in_the_table(
    spark: SparkSession, tmp_path: Path, held: str, through: str
) -> None:
    before, seen = make_table(tmp_path), DeltaTable(str(tmp_path))
    held_writer.carry_out(spark, through, str(tmp_path))
    writers.carry_out(held, tmp_path, seen)
    assert_both(tmp_path, before, through, f"delta-rs {held}")


@pytest.mark.parametrize(("held", "through"), pairs(DELTA_RS, DELTA_RS))
def test_two_processes_of_delta_rs_are_both_in_the_table(tmp_path: Path, held: str, through: str) -> None:
    before, seen = make_table(tmp_path), DeltaTable(str(tmp_path))
    writers.carry_out(through, tmp_path)
    writers.carry_out(held, tmp_path, seen)
    assert_both(tmp_path, before, f"delta-rs {through}", f"delta-rs {held}")


def test_a_table_that_two_create_at_once_is_one_table(writer: HeldWriter, tmp_path: Path) -> None:
    with writer.held("create", tmp_path) as result:
        rows = make_table(tmp_path)
    assert "error" not in result.result(120)
    assert rows_of(tmp_path) == rows


def assert_both(path: Path, before: Rows, *operations: str) -> None:
    """Check that the rows are those of the two operations in one order or the other, and that the log is whole."""
    one, other = (EFFECTS.get(operation, list) for operation in operations)
    assert rows_of(path) in (sorted(one(other(before))), sorted(other(one(before))))
    table = DeltaTable(str(path))
    assert (table.metadata().configuration.get("cdc.note") == "set") == ("delta-rs set_properties" in operations)
    assert ("added" in [field.name for field in table.schema().fields]) == ("delta-rs add_column" in operations)
