"""Silver as a snapshot of Postgres sees it, although Silver has newer changes."""

from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import SparkSession

from lakehouse.cdc.lake import Lake
from lakehouse.reconcile.mvcc_snapshot import Snapshot
from lakehouse.reconcile.visibility import ComparableRows, deviating_keys, is_visible, settled_rows, visible_rows
from spark.messages import SHOES, Change, delete, update
from spark.sample_lake import SampleLake

SNAPSHOT = Snapshot(wal_lsn=1000, min_restart_lsn=700, xmax=50, xip=(40, 45))
XID_WRAPPED = Snapshot(wal_lsn=1000, min_restart_lsn=700, xmax=2**32 + 5, xip=(2**32 - 3, 2**32 + 2))
CHANGES: dict[str, tuple[Snapshot, tuple[Any, ...], bool]] = {
    "committed long before the snapshot": (SNAPSHOT, ("u", 900, 900, 30), True),
    "written before the snapshot by a running transaction": (SNAPSHOT, ("u", 1100, 900, 40), False),
    "written after the snapshot by a running transaction": (SNAPSHOT, ("u", 1100, 1050, 45), False),
    "committed between the WAL position and the snapshot": (SNAPSHOT, ("u", 1000, 1000, 49), True),
    "written before the snapshot by a running transaction with the latest id": (SNAPSHOT, ("u", 1100, 900, 50), False),
    "begun after the snapshot": (SNAPSHOT, ("u", 1100, 1050, 50), False),
    "ids wrapped around, committed before the snapshot": (XID_WRAPPED, ("u", 1000, 1001, 2**32 - 2), True),
    "ids wrapped around, begun after the snapshot": (XID_WRAPPED, ("u", 1100, 1050, 6), False),
    "ids wrapped around, running": (XID_WRAPPED, ("u", 1100, 900, 2**32 - 3), False),
    "ids wrapped around, running with a small id": (XID_WRAPPED, ("u", 1100, 900, 2), False),
    "ids wrapped around twice since": (SNAPSHOT, ("u", 500, 400, 60), True),
    "read by the initial snapshot": (SNAPSHOT, ("r", None, 800, 60), True),
    "read by a later initial snapshot": (SNAPSHOT, ("r", None, 1200, 60), False),
    "deleted implicitly by the initial snapshot": (SNAPSHOT, ("d", None, 800, 60), True),
    "read by an incremental snapshot": (SNAPSHOT, ("r", 1000, 1001, None), True),
    "read by an incremental snapshot after a later commit": (SNAPSHOT, ("r", 1001, 1001, None), False),
}


@pytest.mark.parametrize("case", CHANGES)
def test_change_is_visible_only_if_committed_before_the_snapshot(spark: SparkSession, case: str) -> None:
    snapshot, change, visible = CHANGES[case]
    rows = spark.createDataFrame([change], "_op string, _last_commit_lsn bigint, _lsn bigint, _tx_id bigint")
    assert [row.visible for row in rows.select(is_visible(snapshot).alias("visible")).collect()] == [visible]


@pytest.mark.long
def test_changes_after_the_snapshot_are_undone_and_refused_keys_reported(spark: SparkSession, tmp_path: Path) -> None:
    sample_lake = SampleLake(spark, tmp_path)
    before = [
        update(1, 41),
        update(2, 42),
        update(3, 43),
        update(4, -4),
        update(5, 45),
        update(6, 46),
        delete(6),
        update(8, -8),
    ]
    before += [Change("x", 1, 43), Change("x", 5, 43)]  # an undecodable message removes no row
    later = [
        update(1, 51),
        delete(2),
        update(3, -3),
        update(4, 44),
        delete(5),
        update(5, 55),
        update(6, 56),
        update(7, 57),
        update(8, -9),
    ]
    sample_lake.merge(
        *(Change(change.op, change.id, change.size, last_commit_lsn=10 + i) for i, change in enumerate(before))
    )
    sample_lake.merge(
        *(Change(change.op, change.id, change.size, last_commit_lsn=200 + i) for i, change in enumerate(later))
    )
    snapshot = Snapshot(wal_lsn=100, min_restart_lsn=100, xmax=1, xip=())
    visible = read_visible_rows(sample_lake.lake, snapshot)
    assert sizes(visible) == {1: 41, 2: 42, 3: 43, 5: 45}
    assert left_out(visible) == {4, 8}
    keys = deviating_keys(sample_lake.lake, SHOES, snapshot)
    settled = settled_rows(sample_lake.lake, SHOES, keys)
    assert (sizes(settled), left_out(settled)) == ({}, {1, 2, 3, 4, 5, 6, 7, 8})


@pytest.mark.long
def test_snapshot_without_later_changes_reads_silver_and_not_its_versions(spark: SparkSession, tmp_path: Path) -> None:
    sample_lake = SampleLake(spark, tmp_path)
    sample_lake.merge(update(1, 41), update(2, 42), update(3, -3))
    sample_lake.lake.table("silver", "shoes").update("id = 1", {"size": "99"})
    visible = read_visible_rows(sample_lake.lake, Snapshot(wal_lsn=1000, min_restart_lsn=0, xmax=2, xip=()))
    assert sizes(visible) == {1: 99, 2: 42}
    assert left_out(visible) == {3}


@pytest.mark.long
def test_undecodable_message_does_not_leave_its_key_out(spark: SparkSession, tmp_path: Path) -> None:
    sample_lake = SampleLake(spark, tmp_path)
    sample_lake.merge(update(1, 41), Change("x", 1, 43))
    assert sample_lake.quarantine_entries() != []
    visible = read_visible_rows(sample_lake.lake, Snapshot(wal_lsn=1000, min_restart_lsn=0, xmax=2, xip=()))
    assert (sizes(visible), left_out(visible)) == ({1: 41}, set())


@pytest.mark.long
@pytest.mark.parametrize(
    "snapshot",
    [
        Snapshot(wal_lsn=2**40, min_restart_lsn=5, xmax=2, xip=(), had_writers=False),
        Snapshot(wal_lsn=2**40, min_restart_lsn=2**40, xmax=2, xip=(1,)),
    ],
    ids=["no transaction in progress", "changes before the slots' restart"],
)
def test_no_version_is_read_where_all_changes_are_surely_visible(
    spark: SparkSession, tmp_path: Path, snapshot: Snapshot
) -> None:
    sample_lake = SampleLake(spark, tmp_path)
    sample_lake.merge(Change("u", 1, 41, last_commit_lsn=10))
    for file in (tmp_path / "silver" / "shoes_versions").rglob("*.parquet"):
        file.unlink()
    keys = deviating_keys(sample_lake.lake, SHOES, snapshot)
    assert (keys.later, keys.refused) == (None, None)


def read_visible_rows(lake: Lake, snapshot: Snapshot) -> ComparableRows:
    return visible_rows(lake, SHOES, snapshot, deviating_keys(lake, SHOES, snapshot))


def sizes(visible: ComparableRows) -> dict[int, int]:
    return {row.id: row["size"] for row in visible.rows().collect()}


def left_out(visible: ComparableRows) -> set[int]:
    return {row.id for row in visible.left_out.collect()} if visible.left_out is not None else set()
