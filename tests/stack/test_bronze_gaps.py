"""Law 1: a stream does not continue past a lost batch, and a gap in Bronze is refilled from the topic."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import DataFrame

from lakehouse.cdc import bronze, commit_log, table_stats
from lakehouse.cdc.lake import Lake
from lakehouse.cdc.merge.silver import catch_up
from lakehouse.cdc.offsets import Gap, TopicPartition
from lakehouse.cdc.source_identity import bronze_gaps, resolve_starting_offsets
from lakehouse.cdc.table_store import TableStore
from lakehouse.errors import LakehouseError
from lakehouse.kafka_login import spark_options
from lakehouse.retries import wait_until
from lakehouse.source.source_check import read_source_identity
from spark.messages import SHOES
from stack.cdc_harness import CdcHarness, HarnessFactory
from stack.silver_diff import differences
from support.timing import seconds

TABLE = "CREATE TABLE shoes (id int PRIMARY KEY, size int, note text, price numeric(12,2))"
ONLY_PARTITION = TopicPartition(0, 0)
SKIP_EMPTY_COMMITS = "spark.databricks.delta.skipRecordingEmptyCommits"


@pytest.fixture
def harness(make_harness: HarnessFactory) -> CdcHarness:
    """Return a harness whose Bronze holds three rows, each from its own batch."""
    harness = make_harness([SHOES], TABLE)
    harness.start()
    for number in range(3):
        insert(harness, number)
        harness.drain()
    return harness


def insert(harness: CdcHarness, number: int) -> None:
    harness.execute(f"INSERT INTO shoes VALUES ({number}, 40, 'new', 1)")  # noqa: S608 - a number


def lose_commit_of(store: TableStore, offset: int) -> None:
    """Remove the add actions from the commit of an offset, as if another writer had overwritten it without rows."""
    for version in sorted(Path(store.path("bronze", "shoes"), "_delta_log").glob("*.json")):
        actions = [json.loads(line) for line in version.read_text(encoding="utf-8").splitlines()]
        added = [json.loads(action["add"]["stats"]) for action in actions if "add" in action]
        if any(stats["minValues"]["offset"] == offset == stats["maxValues"]["offset"] for stats in added):
            remaining = [action for action in actions if "add" not in action]
            version.write_text("\n".join(map(json.dumps, remaining)) + "\n", encoding="utf-8")
            return
    raise AssertionError(f"no commit holds offset {offset} alone")


def stored_offsets(harness: CdcHarness) -> list[int]:
    return sorted(row.offset for row in harness.lake.read("bronze", "shoes").select("offset").collect())


def test_gap_is_refilled_at_stream_start_and_silver_matches_postgres(harness: CdcHarness) -> None:
    """Silver is merged past the gap before the gap is refilled."""
    harness.stop_streams()
    lose_commit_of(harness.lake.store, 1)
    [contract] = harness.contracts
    catch_up(harness.lake, contract, table_stats.bronze_offsets(harness.lake.store, contract))
    assert [row.id for row in harness.lake.silver(contract).orderBy("id").collect()] == [0, 2]
    assert bronze_gaps(harness.lake.store, contract) == [Gap(ONLY_PARTITION, 1, 1)]
    harness.start_streams()
    insert(harness, 3)
    harness.merge_silver()
    assert stored_offsets(harness) == [0, 1, 2, 3]
    assert differences(harness, harness.contracts[0]) == []
    store = harness.lake.store
    assert commit_log.refill_count(store, contract) == commit_log.merged_refill_count(store, contract) == 1
    assert harness.merge_silver()[0].changes == 0


def test_gap_is_refilled_by_a_refresh_while_the_stream_runs(harness: CdcHarness) -> None:
    lose_commit_of(harness.lake.store, 1)
    bronze.refill_gaps(
        harness.lake,
        harness.contracts,
        spark_options(harness.settings),
        lambda contracts: read_source_identity(harness.settings, contracts),
    )
    insert(harness, 3)
    harness.merge_silver()
    assert stored_offsets(harness) == [0, 1, 2, 3]
    assert differences(harness, harness.contracts[0]) == []


def test_second_refill_of_the_same_gap_writes_nothing(harness: CdcHarness) -> None:
    refill = prepare_refill(harness)
    assert refill(harness.lake) == 1
    assert refill(harness.lake) == 0
    assert stored_offsets(harness) == [0, 1, 2]


def test_concurrent_refills_of_the_same_gap_write_it_once(harness: CdcHarness) -> None:
    refill = prepare_refill(harness)

    def refill_concurrently() -> None:
        refill(harness.lake)

    with pytest.raises(LakehouseError):
        refill(replace(harness.lake, pre_commit_check=refill_concurrently))
    assert stored_offsets(harness) == [0, 1, 2]


def prepare_refill(harness: CdcHarness) -> Callable[[Lake], int]:
    """Lose a commit of Bronze, and return a function that refills the gap through a given lake.

    The gap is determined now; the function returns the number of rows that it appended.
    """
    harness.stop_streams()
    lose_commit_of(harness.lake.store, 1)
    [contract] = harness.contracts
    starting_offsets = resolve_starting_offsets(
        harness.lake.store, read_source_identity(harness.settings, [contract]), contract
    )
    return lambda lake: bronze.refill(lake, contract, spark_options(harness.settings), starting_offsets)


def test_silently_lost_batch_stops_the_stream_at_the_next_batch(
    harness: CdcHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    harness.stop_streams()
    with lose_batch_of(3, monkeypatch) as lost:
        harness.start_streams()
        insert(harness, 3)
        wait_until(lambda: lost, timeout=seconds(60), missing="the batch")
        insert(harness, 4)
        error = wait_for_failure(harness)
    assert "begins at offset 4, and the one to follow is 3" in error
    assert stored_offsets(harness) == [0, 1, 2]
    harness.start_streams()
    harness.merge_silver()
    assert stored_offsets(harness) == [0, 1, 2, 3, 4]
    assert differences(harness, harness.contracts[0]) == []


def test_append_without_a_commit_stops_the_stream(harness: CdcHarness, monkeypatch: pytest.MonkeyPatch) -> None:
    harness.stop_streams()
    with monkeypatch.context() as patched:
        patched.setattr(Lake, "append", lambda *_, **__: None)
        harness.start_streams()
        insert(harness, 3)
        error = wait_for_failure(harness)
    assert "another writer has overwritten it" in error
    harness.start_streams()
    harness.merge_silver()
    assert stored_offsets(harness) == [0, 1, 2, 3]


def test_append_that_fails_after_its_commit_is_not_written_twice(
    harness: CdcHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    harness.stop_streams()
    append: Callable[..., str] = Lake.append

    def fail_after_commit(*arguments: Any, **options: str) -> None:
        append(*arguments, **options)
        raise LakehouseError("failpoint: after the commit")

    with monkeypatch.context() as patched:
        patched.setattr(Lake, "append", fail_after_commit)
        harness.start_streams()
        insert(harness, 3)
        assert "failpoint" in wait_for_failure(harness)
    harness.start_streams()
    insert(harness, 4)
    harness.merge_silver()
    assert stored_offsets(harness) == [0, 1, 2, 3, 4]


def test_stream_started_without_new_messages_stays_active(harness: CdcHarness) -> None:
    """By Delta's default an append without rows commits nothing; the stream works with that setting too."""
    harness.stop_streams()
    conf = harness.lake.spark.conf
    conf.set(SKIP_EMPTY_COMMITS, "true")
    try:
        harness.start_streams()
        [query] = harness.queries
        wait_until(
            lambda: not query.isActive or query.lastProgress, timeout=seconds(60), missing="the stream's first batch"
        )
        assert query.isActive, query.exception()
    finally:
        conf.set(SKIP_EMPTY_COMMITS, "false")


@contextmanager
def lose_batch_of(offset: int, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[int]]:
    """Drop the stream's batch with an offset once, without an error, and yield the ids of the dropped ones.

    It need not be the stream's first: that one is empty where the message arrives after the start.
    """
    append: Callable[..., None] = bronze.BatchWriter.append
    lost: list[int] = []

    def append_unless_lost(writer: Any, batch: DataFrame, batch_id: int) -> None:
        if lost or batch.where(f"offset = {offset}").isEmpty():
            append(writer, batch, batch_id)
        else:
            lost.append(batch_id)

    with monkeypatch.context() as patched:
        patched.setattr(bronze.BatchWriter, "append", append_unless_lost)
        yield lost


def wait_for_failure(harness: CdcHarness) -> str:
    """Wait until the harness's only stream has ended, and return its error."""
    [query] = harness.queries
    wait_until(lambda: not query.isActive, timeout=seconds(60), missing="the stream to stop")
    return str(query.exception())
