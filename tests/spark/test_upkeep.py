"""Upkeep changes no row and no position: what comes after it is taken in as if it had not been."""

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
from pyspark.sql import SparkSession

from lakehouse.cdc import upkeep
from lakehouse.cdc.positions import Lane
from lakehouse.cdc.silver import start_over
from lakehouse.cdc.upkeep import APPENDED_TO, compact_table, keep, shorten_log
from spark.messages import delete, put
from spark.shoes import Shoes

TABLES = (("bronze", "shoes"), ("silver", "shoes"), ("silver", "shoes_versions"), ("silver", "quarantine"))


@pytest.fixture
def shoes(spark: SparkSession, tmp_path: Path) -> Shoes:
    return Shoes(spark, tmp_path)


@pytest.mark.long
def test_what_comes_after_it_is_taken_in_once(shoes: Shoes) -> None:
    shoes.take(put(1, 41), put(2, -2))
    shoes.take(put(1, 42), put(3, 43))
    for layer, name in TABLES:
        kept = keep(shoes.catalog.path(layer, name))
        assert kept.files_after == 1
        assert not kept.disturbed
    assert shoes.catalog.taken_in(shoes.contract) == shoes.catalog.merged(shoes.contract) == {Lane(0, 0): 3}
    assert shoes.take().changes == 0
    assert shoes.take(put(2, 52), delete(3)).changes == 2
    assert shoes.now() == {1: 42, 2: 52}
    assert [by for _, _, by in shoes.refused()] == ["corrigé"]
    start_over(shoes.lake, shoes.contract)
    assert shoes.take().changes == 6
    assert shoes.now() == {1: 42, 2: 52}


def test_it_removes_what_no_version_of_the_last_while_holds(shoes: Shoes) -> None:
    shoes.take(put(1, 41))
    shoes.take(put(1, 42))
    path = shoes.catalog.path("silver", "shoes")
    log = Path(path) / "_delta_log"
    lost = [Path(path) / "part-of-a-killed-writer.parquet", log / ".7.json.id.tmp", log / "7.json#1"]
    for file in lost:
        file.write_bytes(b"")
        os.utime(file, (time.time() - 8 * 24 * 3600,) * 2)
    being_written = log / ".8.json.id.tmp"
    being_written.write_bytes(b"")
    assert keep(path).removed == len(lost)
    assert not any(file.exists() for file in lost)
    assert being_written.exists()
    assert keep(path, timedelta(0)).removed >= 1
    assert shoes.now() == {1: 42}


@pytest.mark.long
def test_a_writer_goes_on_meanwhile_and_each_row_is_there_once(shoes: Shoes) -> None:
    path = shoes.catalog.path("bronze", "shoes")

    def write() -> None:
        for number in range(8):
            shoes.arrive(put(number), put(100 + number))

    with ThreadPoolExecutor(1) as pool:
        writing = pool.submit(write)
        while not writing.done():
            keep(path)
        writing.result()
    keep(path)
    assert sorted(row.offset for row in shoes.lake.read("bronze", "shoes").collect()) == list(range(16))
    assert shoes.take().changes == 16


@pytest.mark.long
def test_where_a_writer_was_quicker_its_rows_stay_as_they_are(shoes: Shoes, monkeypatch: pytest.MonkeyPatch) -> None:
    shoes.take(put(1, 41))
    shoes.take(put(2, 42))
    path = shoes.catalog.path("silver", "shoes")
    with looking(monkeypatch, path) as compacted:
        shoes.take(put(1, 51), delete(2))
    assert not compacted.result()
    assert shoes.now() == {1: 51}


def test_of_two_compactions_at_once_one_leaves_the_table_to_the_other(
    shoes: Shoes, monkeypatch: pytest.MonkeyPatch
) -> None:
    shoes.take(put(1, 41))
    shoes.take(put(2, 42))
    path = shoes.catalog.path("bronze", "shoes")
    with looking(monkeypatch, path) as compacted:
        assert not compact_table(path, APPENDED_TO)
    assert compacted.result()
    assert sorted(row.offset for row in shoes.lake.read("bronze", "shoes").collect()) == [0, 1]
    assert compact_table(path, APPENDED_TO)


@contextmanager
def looking(monkeypatch: pytest.MonkeyPatch, path: str) -> Iterator[Future[bool]]:
    """Run a compaction that has looked at the table, and goes on when this ends."""
    has_looked, goes_on = Event(), Event()

    def opened(table: str) -> DeltaTable:
        seen = DeltaTable(table)
        if not has_looked.is_set():
            has_looked.set()
            assert goes_on.wait(60)
        return seen

    monkeypatch.setattr(upkeep, "DeltaTable", opened)
    with ThreadPoolExecutor(1) as pool:
        compacted = pool.submit(compact_table, path, APPENDED_TO)
        assert has_looked.wait(60)
        yield compacted
        goes_on.set()
        compacted.result()


@pytest.mark.long
def test_bronze_forgets_commits_of_before_a_checkpoint_within_the_hour_and_silver_does_not(shoes: Shoes) -> None:
    for number in range(3):
        shoes.take(put(number, 40 + number))
    for layer in ("bronze", "silver"):
        path = shoes.catalog.path(layer, "shoes")
        DeltaTable(path).create_checkpoint()
        checkpoint = DeltaTable(path).version()
        _an_hour_old(Path(path) / "_delta_log")
        shorten_log(path)
        commits = sorted(Path(path).glob("_delta_log/*[0-9].json"))
        assert int(commits[0].stem) == (checkpoint if layer == "bronze" else 0)
    assert shoes.take(put(9, 49), put(0, 50)).changes == 2
    assert shoes.now() == {0: 50, 1: 41, 2: 42, 9: 49}


def _an_hour_old(folder: Path) -> None:
    for file in folder.iterdir():
        os.utime(file, (time.time() - 3600,) * 2)
