"""Silver as a snapshot of Postgres sees it, though Silver went on."""

from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import SparkSession

from lakehouse.reconcile.mvcc_snapshot import Snapshot
from lakehouse.reconcile.visibility import is_visible, visible_rows
from spark.messages import SHOES, Change, delete, update
from spark.sample_lake import SampleLake

SNAPSHOT = Snapshot(wal_lsn=1000, min_restart_lsn=700, xmax=50, xip=(40, 45))
XID_WRAPPED = Snapshot(wal_lsn=1000, min_restart_lsn=700, xmax=2**32 + 5, xip=(2**32 - 3, 2**32 + 2))
CHANGES: dict[str, tuple[Snapshot, tuple[Any, ...], bool]] = {
    "committed long ago": (SNAPSHOT, ("u", 900, 900, 30), True),
    "written before by one that ran": (SNAPSHOT, ("u", 1100, 900, 40), False),
    "written after by one that ran": (SNAPSHOT, ("u", 1100, 1050, 45), False),
    "begun before, committed between place and snapshot": (SNAPSHOT, ("u", 1000, 1000, 49), True),
    "written before by one that ran and had the latest number": (SNAPSHOT, ("u", 1100, 900, 50), False),
    "begun after": (SNAPSHOT, ("u", 1100, 1050, 50), False),
    "numbers went around, committed before": (XID_WRAPPED, ("u", 1000, 1001, 2**32 - 2), True),
    "numbers went around, begun after": (XID_WRAPPED, ("u", 1100, 1050, 6), False),
    "numbers went around, ran": (XID_WRAPPED, ("u", 1100, 900, 2**32 - 3), False),
    "numbers went around, ran under a small one": (XID_WRAPPED, ("u", 1100, 900, 2), False),
    "numbers went around twice since": (SNAPSHOT, ("u", 500, 400, 60), True),
    "read by the first snapshot": (SNAPSHOT, ("r", None, 800, 60), True),
    "read by a first snapshot that came later": (SNAPSHOT, ("r", None, 1200, 60), False),
    "swept away by the first snapshot": (SNAPSHOT, ("d", None, 800, 60), True),
    "read by an incremental snapshot": (SNAPSHOT, ("r", 1000, 1001, None), True),
    "read by an incremental snapshot after a later commit": (SNAPSHOT, ("r", 1001, 1001, None), False),
}


@pytest.mark.parametrize("case", CHANGES)
def test_change_is_visible_only_if_committed_before_the_snapshot(spark: SparkSession, case: str) -> None:
    snapshot, change, visible = CHANGES[case]
    rows = spark.createDataFrame([change], "_op string, _commit_seq bigint, _lsn bigint, _tx_id bigint")
    assert [row.seen for row in rows.select(is_visible(snapshot).alias("seen")).collect()] == [visible]


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
    before += [Change("x", 1, 43), Change("x", 5, 43)]  # no change takes no row away
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
    sample_lake.merge(*(Change(one.op, one.id, one.size, commit_seq=10 + at) for at, one in enumerate(before)))
    sample_lake.merge(*(Change(one.op, one.id, one.size, commit_seq=200 + at) for at, one in enumerate(later)))
    visible = visible_rows(sample_lake.lake, SHOES, Snapshot(wal_lsn=100, min_restart_lsn=100, xmax=1, xip=()))
    assert {row.id: row["size"] for row in visible.rows.collect()} == {1: 41, 2: 42, 3: 43, 5: 45}
    assert {row.id for row in visible.refused.collect()} == {4, 8}


@pytest.mark.long
def test_snapshot_without_later_changes_reads_silver_and_not_its_versions(spark: SparkSession, tmp_path: Path) -> None:
    sample_lake = SampleLake(spark, tmp_path)
    sample_lake.merge(update(1, 41), update(2, 42), update(3, -3))
    sample_lake.lake.table("silver", "shoes").update("id = 1", {"size": "99"})
    visible = visible_rows(sample_lake.lake, SHOES, Snapshot(wal_lsn=1000, min_restart_lsn=0, xmax=2, xip=()))
    assert {row.id: row["size"] for row in visible.rows.collect()} == {1: 99, 2: 42}
    assert {row.id for row in visible.refused.collect()} == {3}
