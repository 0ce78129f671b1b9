"""Law 1: the stream reports an irregular table until it is mended, and maintenance does by its exit code."""

from pathlib import Path
from typing import Any

import pytest
from arro3.core import Array, DataType, Table
from deltalake import write_deltalake

from lakehouse.capture import offset_watch
from lakehouse.capture.offset_watch import WATCH_INTERVAL_S, OffsetWatch
from lakehouse.cdc.table_store import TableStore
from lakehouse.errors import OffsetMismatch
from lakehouse.refresh.maintain_tables import show
from lakehouse.refresh.offset_findings import offset_errors
from spark.messages import SHOES


@pytest.fixture
def store(tmp_path: Path) -> TableStore:
    store = TableStore(str(tmp_path))
    store.create_bronze(SHOES, {})
    return store


def append(store: TableStore, *offsets: int) -> None:
    zeros = Array([0] * len(offsets), DataType.int32())
    rows: dict[str, Any] = {"incarnation": zeros, "partition": zeros, "offset": Array(offsets, DataType.int64())}
    write_deltalake(store.path("bronze", "shoes"), Table.from_pydict(rows), mode="append", schema_mode="merge")


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def test_stream_reports_a_gap_until_it_is_filled(store: TableStore) -> None:
    append(store, 0, 1)
    append(store, 4)
    clock = Clock()
    watch = OffsetWatch(store, clock)
    watch.add(SHOES)
    for _ in range(2):
        with pytest.raises(
            OffsetMismatch, match=r"bronze/shoes lacks partition 0, offsets 2 to 3\. .*repair_bronze\.py"
        ):
            watch.ensure_regular()
    append(store, 2, 3)
    with pytest.raises(OffsetMismatch):
        watch.ensure_regular()
    clock.now += WATCH_INTERVAL_S
    watch.ensure_regular()


def test_regular_table_is_looked_at_once_per_start(store: TableStore) -> None:
    append(store, 0)
    watch = OffsetWatch(store)
    watch.add(SHOES)
    watch.ensure_regular()
    append(store, 0)
    watch.ensure_regular()
    watch.add(SHOES)
    with pytest.raises(OffsetMismatch, match="has more than once partition 0, offsets 0 to 0"):
        watch.ensure_regular()


def test_table_that_cannot_be_read_is_reported_and_tried_again(
    store: TableStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise OSError("disk")

    clock = Clock()
    watch = OffsetWatch(store, clock)
    watch.add(SHOES)
    with monkeypatch.context() as patched:
        patched.setattr(offset_watch, "find_offset_problems", fail)
        with pytest.raises(OffsetMismatch, match="offsets of shoes could not be compared"):
            watch.ensure_regular()
    clock.now += WATCH_INTERVAL_S
    watch.ensure_regular()


def test_maintenance_reports_a_gap_and_a_duplicate_in_one_file(
    store: TableStore, capsys: pytest.CaptureFixture[str]
) -> None:
    append(store, 0, 1, 1, 3)
    assert show(offset_errors(store, [SHOES])) == 1
    assert "bronze/shoes lacks partition 0, offsets 2 to 2, and has more than once" in capsys.readouterr().err
