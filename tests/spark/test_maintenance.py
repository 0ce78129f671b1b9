"""Maintenance changes no row and no offset, and later changes are merged once."""

import os
import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from threading import Event

import pytest
from deltalake import DeltaTable

from lakehouse.cdc import maintenance, table_stats
from lakehouse.cdc.maintenance import APPEND_TARGET_BYTES, checkpoint_log, compact_and_vacuum, compact_table
from lakehouse.cdc.merge.silver import reset_table
from lakehouse.cdc.offsets import TopicPartition
from spark.messages import delete, update
from spark.sample_lake import SampleLake

TABLES = (("bronze", "shoes"), ("silver", "shoes"), ("silver", "shoes_versions"), ("silver", "quarantine"))


@pytest.mark.long
def test_changes_after_maintenance_are_merged_once(sample_lake: SampleLake) -> None:
    sample_lake.merge(update(1, 41), update(2, -2))
    sample_lake.merge(update(1, 42), update(3, 43))
    for layer, name in TABLES:
        result = compact_and_vacuum(sample_lake.store.path(layer, name))
        assert result.files_after == 1
        assert not result.conflicted
    assert (
        table_stats.bronze_offsets(sample_lake.store, sample_lake.contract)
        == table_stats.silver_offsets(sample_lake.store, sample_lake.contract)
        == {TopicPartition(0, 0): 3}
    )
    assert sample_lake.merge().changes == 0
    assert sample_lake.merge(update(2, 52), delete(3)).changes == 2
    assert sample_lake.silver_sizes() == {1: 42, 2: 52}
    assert [by for _, _, by in sample_lake.quarantine_entries()] == ["corrigé"]
    reset_table(sample_lake.lake, sample_lake.contract)
    assert sample_lake.merge().changes == 6
    assert sample_lake.silver_sizes() == {1: 42, 2: 52}


def test_vacuum_removes_orphan_files_older_than_the_retention(sample_lake: SampleLake) -> None:
    sample_lake.merge(update(1, 41))
    sample_lake.merge(update(1, 42))
    path = sample_lake.store.path("silver", "shoes")
    log = Path(path) / "_delta_log"
    orphans = [Path(path) / "part-of-a-killed-writer.parquet", log / ".7.json.id.tmp", log / "7.json#1"]
    for file in orphans:
        file.write_bytes(b"")
        os.utime(file, (time.time() - 8 * 24 * 3600,) * 2)
    being_written = log / ".8.json.id.tmp"
    being_written.write_bytes(b"")
    assert compact_and_vacuum(path).files_removed == len(orphans)
    assert not any(file.exists() for file in orphans)
    assert being_written.exists()
    assert compact_and_vacuum(path, timedelta(0)).files_removed >= 1
    assert sample_lake.silver_sizes() == {1: 42}


@pytest.mark.long
def test_maintenance_during_appends_keeps_each_row_once(sample_lake: SampleLake) -> None:
    path = sample_lake.store.path("bronze", "shoes")

    def write() -> None:
        for number in range(8):
            sample_lake.append_to_bronze(update(number), update(100 + number))

    with ThreadPoolExecutor(1) as pool:
        writing = pool.submit(write)
        while not writing.done():
            compact_and_vacuum(path)
        writing.result()
    compact_and_vacuum(path)
    assert sorted(row.offset for row in sample_lake.lake.read("bronze", "shoes").collect()) == list(range(16))
    assert sample_lake.merge().changes == 16


@pytest.mark.long
def test_compaction_that_conflicts_with_a_merge_is_skipped(
    sample_lake: SampleLake, monkeypatch: pytest.MonkeyPatch
) -> None:
    sample_lake.merge(update(1, 41))
    sample_lake.merge(update(2, 42))
    path = sample_lake.store.path("silver", "shoes")
    with paused_compaction(monkeypatch, path) as compacted:
        sample_lake.merge(update(1, 51), delete(2))
    assert not compacted.result()
    assert sample_lake.silver_sizes() == {1: 51}


def test_two_concurrent_compactions_of_a_table_run_only_one(
    sample_lake: SampleLake, monkeypatch: pytest.MonkeyPatch
) -> None:
    sample_lake.merge(update(1, 41))
    sample_lake.merge(update(2, 42))
    path = sample_lake.store.path("bronze", "shoes")
    with paused_compaction(monkeypatch, path) as compacted:
        assert not compact_table(path, APPEND_TARGET_BYTES)
    assert compacted.result()
    assert sorted(row.offset for row in sample_lake.lake.read("bronze", "shoes").collect()) == [0, 1]
    assert compact_table(path, APPEND_TARGET_BYTES)


@contextmanager
def paused_compaction(monkeypatch: pytest.MonkeyPatch, path: str) -> Iterator[Future[bool]]:
    """Start a compaction that opens the table, and waits there until this context ends."""
    table_opened, resume = Event(), Event()

    def open_and_wait(table: str) -> DeltaTable:
        opened_table = DeltaTable(table)
        if not table_opened.is_set():
            table_opened.set()
            assert resume.wait(60)
        return opened_table

    monkeypatch.setattr(maintenance, "DeltaTable", open_and_wait)
    with ThreadPoolExecutor(1) as pool:
        compacted = pool.submit(compact_table, path, APPEND_TARGET_BYTES)
        assert table_opened.wait(60)
        yield compacted
        resume.set()
        compacted.result()


@pytest.mark.long
def test_log_cleanup_after_a_checkpoint_shortens_bronze_and_not_silver(sample_lake: SampleLake) -> None:
    for number in range(3):
        sample_lake.merge(update(number, 40 + number))
    for layer in ("bronze", "silver"):
        path = sample_lake.store.path(layer, "shoes")
        DeltaTable(path).create_checkpoint()
        checkpoint = DeltaTable(path).version()
        _age_by_an_hour(Path(path) / "_delta_log")
        checkpoint_log(path)
        commits = sorted(Path(path).glob("_delta_log/*[0-9].json"))
        assert int(commits[0].stem) == (checkpoint if layer == "bronze" else 0)
    assert sample_lake.merge(update(9, 49), update(0, 50)).changes == 2
    assert sample_lake.silver_sizes() == {0: 50, 1: 41, 2: 42, 9: 49}


def _age_by_an_hour(folder: Path) -> None:
    for file in folder.iterdir():
        os.utime(file, (time.time() - 3600,) * 2)
