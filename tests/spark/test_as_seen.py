"""Silver as a snapshot of Postgres sees it, though Silver went on."""

from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import SparkSession

from lakehouse.reconcile.as_seen import as_seen, sees
from lakehouse.reconcile.snapshot import Snapshot
from spark.messages import SHOES, Change, delete, put
from spark.shoes import Shoes

NOW = Snapshot(wal=1000, settled=700, upcoming=50, running=(40, 45))
AROUND = Snapshot(wal=1000, settled=700, upcoming=2**32 + 5, running=(2**32 - 3, 2**32 + 2))
CHANGES: dict[str, tuple[Snapshot, tuple[Any, ...], bool]] = {
    "committed long ago": (NOW, ("u", 900, 900, 30), True),
    "written before by one that ran": (NOW, ("u", 1100, 900, 40), False),
    "written after by one that ran": (NOW, ("u", 1100, 1050, 45), False),
    "begun before, committed between place and snapshot": (NOW, ("u", 1000, 1000, 49), True),
    "written before by one that ran and had the latest number": (NOW, ("u", 1100, 900, 50), False),
    "begun after": (NOW, ("u", 1100, 1050, 50), False),
    "numbers went around, committed before": (AROUND, ("u", 1000, 1001, 2**32 - 2), True),
    "numbers went around, begun after": (AROUND, ("u", 1100, 1050, 6), False),
    "numbers went around, ran": (AROUND, ("u", 1100, 900, 2**32 - 3), False),
    "numbers went around, ran under a small one": (AROUND, ("u", 1100, 900, 2), False),
    "numbers went around twice since": (NOW, ("u", 500, 400, 60), True),
    "read by the first snapshot": (NOW, ("r", None, 800, 60), True),
    "read by a first snapshot that came later": (NOW, ("r", None, 1200, 60), False),
    "swept away by the first snapshot": (NOW, ("d", None, 800, 60), True),
    "read by an incremental snapshot": (NOW, ("r", 1000, 1001, None), True),
    "read by an incremental snapshot after a later commit": (NOW, ("r", 1001, 1001, None), False),
}


@pytest.mark.parametrize("case", CHANGES)
def test_a_change_is_seen_if_it_was_committed_by_then(spark: SparkSession, case: str) -> None:
    snapshot, change, seen = CHANGES[case]
    rows = spark.createDataFrame([change], "_op string, _commit_seq bigint, _lsn bigint, _tx_id bigint")
    assert [row.seen for row in rows.select(sees(snapshot).alias("seen")).collect()] == [seen]


@pytest.mark.long
def test_what_came_later_is_taken_back_and_what_was_refused_is_left_out(spark: SparkSession, tmp_path: Path) -> None:
    shoes = Shoes(spark, tmp_path)
    before = [put(1, 41), put(2, 42), put(3, 43), put(4, -4), put(5, 45), put(6, 46), delete(6), put(8, -8)]
    before += [Change("x", 1, 43), Change("x", 5, 43)]  # no change takes no row away
    later = [put(1, 51), delete(2), put(3, -3), put(4, 44), delete(5), put(5, 55), put(6, 56), put(7, 57), put(8, -9)]
    shoes.take(*(Change(one.op, one.id, one.size, commit_seq=10 + at) for at, one in enumerate(before)))
    shoes.take(*(Change(one.op, one.id, one.size, commit_seq=200 + at) for at, one in enumerate(later)))
    seen = as_seen(shoes.lake, SHOES, Snapshot(wal=100, settled=100, upcoming=1, running=()))
    assert {row.id: row["size"] for row in seen.rows.collect()} == {1: 41, 2: 42, 3: 43, 5: 45}
    assert {row.id for row in seen.refused.collect()} == {4, 8}


@pytest.mark.long
def test_with_nothing_later_it_is_silver_itself_and_not_its_versions(spark: SparkSession, tmp_path: Path) -> None:
    shoes = Shoes(spark, tmp_path)
    shoes.take(put(1, 41), put(2, 42), put(3, -3))
    shoes.lake.table("silver", "shoes").update("id = 1", {"size": "99"})
    seen = as_seen(shoes.lake, SHOES, Snapshot(wal=1000, settled=0, upcoming=2, running=()))
    assert {row.id: row["size"] for row in seen.rows.collect()} == {1: 99, 2: 42}
    assert {row.id for row in seen.refused.collect()} == {3}
