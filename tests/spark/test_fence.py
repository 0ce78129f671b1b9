"""Law 9: a writer whose lease has passed to another process commits nothing, whenever it resumes."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from py4j.protocol import Py4JJavaError
from pyspark.sql import SparkSession

from lakehouse.cdc.fence import FENCE_PROPERTY, LeasedStamps, WriterLease, fence_table
from lakehouse.cdc.lake import Lake
from lakehouse.cdc.maintenance import checkpoint_log
from lakehouse.errors import LockLost
from spark.messages import SHOES, to_bronze_frame, update
from spark.sample_lake import SampleLake
from spark.test_log_store import Store

REFUSED = "StaleWriterException"
FIRST, SECOND = WriterLease("stream", 7), WriterLease("stream", 8)


@pytest.fixture
def sample(spark: SparkSession, tmp_path: Path) -> SampleLake:
    return SampleLake(spark, tmp_path)


def leased(sample: SampleLake, lease: WriterLease, layer: str = "bronze", name: str = SHOES.table) -> Lake:
    """Return the lake of a writer that has taken the lease, fenced the table, and begins to write."""
    fence_table(sample.store, layer, name, lease)
    return replace(sample.lake, stamps=LeasedStamps(sample.store, lease, clock=lambda: 0.0))


def append(lake: Lake, offset: int, rows: int) -> None:
    lake.append(to_bronze_frame(lake.spark, [update(n) for n in range(rows)], offset), "bronze", SHOES.table)


def offsets(sample: SampleLake) -> list[int]:
    return [row.offset for row in sample.lake.read("bronze", SHOES.table).orderBy("offset").collect()]


@pytest.mark.parametrize("rows_of_next", [0, 1, 2, 5])
def test_resumed_writer_appends_nothing_after_the_next_holder_appended_some(
    sample: SampleLake, rows_of_next: int
) -> None:
    frozen = leased(sample, FIRST)
    append(frozen, 0, 3)
    running = leased(sample, SECOND)
    if rows_of_next:
        append(running, 3, rows_of_next)
    with pytest.raises(Exception, match=REFUSED):
        append(frozen, 3, 2)
    append(running, 3 + rows_of_next, 1)
    assert offsets(sample) == [*range(4 + rows_of_next)]


@pytest.mark.parametrize(
    "write",
    [
        lambda lake: lake.overwrite(lake.silver(SHOES), "silver", SHOES.table, provenance="{}"),
        lambda lake: lake.overwrite_where(lake.silver(SHOES).where("id = 1"), "silver", SHOES.table, "id = 1"),
        lambda lake: lake.table("silver", SHOES.table).delete("id = 1"),
        lambda lake: (
            lake.table("silver", SHOES.table)
            .alias("t")
            .merge(lake.silver(SHOES).limit(1).alias("s"), "t.id = s.id")
            .whenMatchedDelete()
            .execute()
        ),
    ],
    ids=["overwrite", "overwrite_where", "delete", "merge"],
)
def test_resumed_writer_changes_no_row_of_silver(sample: SampleLake, write: Callable[[Lake], None]) -> None:
    sample.merge(update(1), update(2))
    frozen = leased(sample, WriterLease("refresh", 3), "silver")
    frozen.stamps.next("silver", SHOES.table)  # it has looked, and freezes
    leased(sample, WriterLease("refresh", 4), "silver")
    before = sample.silver_sizes()
    with pytest.raises(Exception, match=REFUSED):
        write(frozen)
    assert sample.silver_sizes() == before


def test_every_kind_of_write_carries_its_lease(sample: SampleLake) -> None:
    lake = replace(leased(sample, FIRST), stamps=LeasedStamps(sample.store, FIRST))
    sample.merge(update(1), update(2), lake=lake)
    sample.merge(update(1), lake=lake)
    for name in (SHOES.table, f"{SHOES.table}_versions"):
        commits = sample.store.delta_table("silver", name).history()
        written = [json.loads(one["userMetadata"]) for one in commits if one["operation"] in ("WRITE", "MERGE")]
        assert len(written) == 2
        assert {stamp["writer"]["fence"] for stamp in written} == {FIRST.number}


def test_writer_that_looks_after_the_fence_is_refused_before_it_writes(sample: SampleLake) -> None:
    leased(sample, SECOND)
    with pytest.raises(LockLost, match="fenced bronze/shoes by number 8"):
        fence_table(sample.store, "bronze", SHOES.table, FIRST)
    with pytest.raises(LockLost, match="nothing was written"):
        LeasedStamps(sample.store, FIRST).next("bronze", SHOES.table)


def test_fence_of_another_job_stops_nobody(sample: SampleLake) -> None:
    stream = leased(sample, FIRST)
    leased(sample, WriterLease("refresh", 99))
    append(stream, 0, 2)
    assert offsets(sample) == [0, 1]


def test_fence_survives_the_clean_up_of_the_log(sample: SampleLake) -> None:
    frozen = leased(sample, FIRST)
    append(frozen, 0, 1)
    append(leased(sample, SECOND), 1, 1)
    checkpoint_log(sample.store.path("bronze", SHOES.table))
    *earlier, _ = sorted(Path(sample.store.path("bronze", SHOES.table), "_delta_log").glob("*.json"))
    for commit in earlier:
        commit.unlink()
    with pytest.raises(Exception, match=REFUSED):
        append(frozen, 1, 1)
    assert offsets(sample) == [0, 1]


@pytest.fixture
def store(spark: SparkSession, tmp_path: Path) -> Store:
    return Store(spark, tmp_path)


def commit_info(job: str, fence: int, verified: int) -> str:
    stamp = json.dumps({"token": "x", "writer": {"job": job, "fence": fence, "verified": verified}})
    return json.dumps({"commitInfo": {"operation": "WRITE", "userMetadata": stamp}})


def fence(job: str, number: int) -> str:
    return json.dumps({"metaData": {"configuration": {f"{FENCE_PROPERTY}{job}": str(number)}}})


def test_log_store_reads_only_what_the_writer_has_not(store: Store) -> None:
    store.write(5, fence("stream", 9))
    store.write(6, commit_info("stream", 8, 5))
    store.write(7, fence("stream", 9))
    with pytest.raises(Py4JJavaError, match=REFUSED):
        store.write(8, commit_info("stream", 8, 5))
    store.write(8, commit_info("stream", 9, 5))


def test_log_store_refuses_a_writer_that_lacks_a_version(store: Store) -> None:
    with pytest.raises(Py4JJavaError, match="was removed before this writer has read it"):
        store.write(3, commit_info("stream", 8, 1))
    store.write(3, commit_info("stream", 8, 2))


def test_log_store_commits_what_names_no_lease(store: Store) -> None:
    store.write(1, fence("stream", 9))
    store.write(2, json.dumps({"commitInfo": {"operation": "WRITE", "userMetadata": "a word"}}))
    store.write(3, json.dumps({"commitInfo": {"operation": "WRITE"}}))
