"""Law 1: a flow goes on behind no message that it never wrote, and a gap that is there is filled from the topic."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import DataFrame

from lakehouse.cdc import bronze
from lakehouse.cdc.catalog import Catalog
from lakehouse.cdc.lake import Lake
from lakehouse.cdc.positions import Gap, Lane
from lakehouse.cdc.silver import catch_up
from lakehouse.cdc.source import bronze_gaps, claim
from lakehouse.errors import LakehouseError
from lakehouse.source.identity import identify
from lakehouse.waiting import wait_until
from spark.messages import SHOES
from stack.compare import differences
from stack.lab import Bench, Lab

TABLE = "CREATE TABLE shoes (id int PRIMARY KEY, size int, note text, price numeric(12,2))"
ONLY = Lane(0, 0)
SKIP_EMPTY_COMMITS = "spark.databricks.delta.skipRecordingEmptyCommits"


@pytest.fixture
def bench(lab: Lab) -> Bench:
    """Give a bench whose Bronze holds three rows, each from a batch of its own."""
    bench = lab([SHOES], TABLE)
    bench.start()
    for number in range(3):
        insert(bench, number)
        bench.drain()
    return bench


def insert(bench: Bench, number: int) -> None:
    bench.execute(f"INSERT INTO shoes VALUES ({number}, 40, 'new', 1)")  # noqa: S608 - a number


def lose_commit_of(catalog: Catalog, offset: int) -> None:
    """Leave the version that holds an offset as if another writer had put one without rows over it."""
    for version in sorted(Path(catalog.path("bronze", "shoes"), "_delta_log").glob("*.json")):
        actions = [json.loads(line) for line in version.read_text(encoding="utf-8").splitlines()]
        added = [json.loads(action["add"]["stats"]) for action in actions if "add" in action]
        if any(one["minValues"]["offset"] == offset == one["maxValues"]["offset"] for one in added):
            kept = [action for action in actions if "add" not in action]
            version.write_text("\n".join(map(json.dumps, kept)) + "\n", encoding="utf-8")
            return
    raise AssertionError(f"no commit holds offset {offset} alone")


def held_offsets(bench: Bench) -> list[int]:
    return sorted(row.offset for row in bench.lake.read("bronze", "shoes").select("offset").collect())


def test_a_gap_is_filled_when_the_flow_starts_and_silver_is_what_postgres_holds(bench: Bench) -> None:
    """Silver has gone past the gap before it is filled."""
    bench.stop()
    lose_commit_of(bench.lake.catalog, 1)
    [contract] = bench.contracts
    catch_up(bench.lake, contract, bench.lake.catalog.taken_in(contract))
    assert [row.id for row in bench.lake.silver(contract).orderBy("id").collect()] == [0, 2]
    assert bronze_gaps(bench.lake.catalog, contract) == [Gap(ONLY, 1, 1)]
    bench.flow()
    insert(bench, 3)
    bench.refresh()
    assert held_offsets(bench) == [0, 1, 2, 3]
    assert differences(bench, bench.contracts[0]) == []
    assert bench.lake.catalog.refills(contract) == bench.lake.catalog.refills_merged(contract) == 1
    assert bench.refresh()[0].changes == 0


def test_a_refresh_fills_a_gap_beside_the_running_flow(bench: Bench) -> None:
    lose_commit_of(bench.lake.catalog, 1)
    bronze.refill_gaps(
        bench.lake, bench.contracts, bench.settings.kafka_bootstrap_servers, lambda some: identify(bench.settings, some)
    )
    insert(bench, 3)
    bench.refresh()
    assert held_offsets(bench) == [0, 1, 2, 3]
    assert differences(bench, bench.contracts[0]) == []


def test_two_who_fill_the_same_gap_fill_it_once(bench: Bench) -> None:
    fill = refill_of_a_lost_commit(bench)
    assert fill(bench.lake) == 1
    assert fill(bench.lake) == 0
    assert held_offsets(bench) == [0, 1, 2]


def test_two_who_fill_the_same_gap_at_once_fill_it_once(bench: Bench) -> None:
    fill = refill_of_a_lost_commit(bench)

    def another() -> None:
        fill(bench.lake)

    with pytest.raises(LakehouseError):
        fill(replace(bench.lake, may_commit=another))
    assert held_offsets(bench) == [0, 1, 2]


def refill_of_a_lost_commit(bench: Bench) -> Callable[[Lake], int]:
    """Lose a commit of Bronze, and return what fills the gap as it was found then, by the lake that it is given."""
    bench.stop()
    lose_commit_of(bench.lake.catalog, 1)
    [contract] = bench.contracts
    claimed = claim(bench.lake.catalog, identify(bench.settings, [contract]), contract)
    return lambda lake: bronze.refill(lake, contract, bench.settings.kafka_bootstrap_servers, claimed)


def test_a_batch_whose_failure_nobody_noticed_stops_the_flow_at_the_next(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench.stop()
    with swallowed(monkeypatch) as batches:
        bench.flow()
        insert(bench, 3)
        wait_until(lambda: batches, timeout=60, missing="a batch")
        insert(bench, 4)
        why = failure(bench)
    assert "begins at offset 4, and the one to follow is 3" in why
    assert held_offsets(bench) == [0, 1, 2]
    bench.flow()
    bench.refresh()
    assert held_offsets(bench) == [0, 1, 2, 3, 4]
    assert differences(bench, bench.contracts[0]) == []


def test_an_append_that_wrote_nothing_stops_the_flow(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    bench.stop()
    with monkeypatch.context() as patched:
        patched.setattr(Lake, "append", lambda *_, **__: None)
        bench.flow()
        insert(bench, 3)
        why = failure(bench)
    assert "another writer has overwritten it" in why
    bench.flow()
    bench.refresh()
    assert held_offsets(bench) == [0, 1, 2, 3]


def test_an_append_that_failed_after_its_commit_is_not_written_again(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench.stop()
    append: Callable[..., None] = Lake.append

    def fail_after_commit(*arguments: Any, **options: str) -> None:
        append(*arguments, **options)
        raise LakehouseError("failpoint: after the commit")

    with monkeypatch.context() as patched:
        patched.setattr(Lake, "append", fail_after_commit)
        bench.flow()
        insert(bench, 3)
        assert "failpoint" in failure(bench)
    bench.flow()
    insert(bench, 4)
    bench.refresh()
    assert held_offsets(bench) == [0, 1, 2, 3, 4]


def test_a_flow_that_starts_where_nothing_is_new_goes_on(bench: Bench) -> None:
    """The stream leaves Delta's default as it is, by which an append without rows commits nothing."""
    bench.stop()
    conf = bench.lake.spark.conf
    conf.set(SKIP_EMPTY_COMMITS, "true")
    try:
        bench.flow()
        [flow] = bench.flows
        wait_until(lambda: not flow.isActive or flow.lastProgress, timeout=60, missing="the flow's first batch")
        assert flow.isActive, flow.exception()
    finally:
        conf.set(SKIP_EMPTY_COMMITS, "false")


@contextmanager
def swallowed(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[int]]:
    """Have the first batch that a flow is given fail before it is written, and nobody be told; yield the batches."""
    append: Callable[..., None] = bronze.BatchWriter.append
    batches: list[int] = []

    def deaf(writer: Any, batch: DataFrame, batch_id: int) -> None:
        if batches:
            append(writer, batch, batch_id)
        batches.append(batch_id)

    with monkeypatch.context() as patched:
        patched.setattr(bronze.BatchWriter, "append", deaf)
        yield batches


def failure(bench: Bench) -> str:
    """Wait until the one flow has ended, and return why."""
    [flow] = bench.flows
    wait_until(lambda: not flow.isActive, timeout=60, missing="the flow to stop")
    return str(flow.exception())
