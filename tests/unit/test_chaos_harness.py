"""The chaos harness: it reports overwritten commits, preserves evidence, and keeps every core busy."""

import json
import os
from pathlib import Path
from random import Random
from types import SimpleNamespace
from typing import Any

import psutil
import pytest
from arro3.core import Array, DataType, Table
from deltalake import DeltaTable, write_deltalake

from chaos.commit_watcher import CommitWatcher
from chaos.cpu_load import busy_cores
from chaos.delta_log import ARCHIVE
from chaos.evidence import preserve_evidence
from chaos.failpoint_schedule import FailpointSchedule
from chaos.failpoints import DISK_FULL
from lakehouse.retries import wait_until
from support.timing import seconds

ROWS = Table.from_pydict({"offset": Array([1, 2], DataType.int64())})


def test_overwritten_commit_is_named_and_both_are_archived(tmp_path: Path) -> None:
    table = tmp_path / "bronze" / "shoes"
    archived = tmp_path / ARCHIVE / "bronze" / "shoes"
    write_deltalake(table, ROWS)
    with CommitWatcher(tmp_path).watch() as watcher:
        write_deltalake(table, ROWS, mode="append")
        DeltaTable(table).optimize.compact()
        wait_until((archived / f"{2:020}.1.json").exists, timeout=seconds(10), missing="the first write of version 2")
        unfinished = table / "_delta_log" / ".unfinished"
        unfinished.write_text(json.dumps({"commitInfo": {"operation": "WRITE", "engineInfo": "Spark"}}))
        unfinished.replace(table / "_delta_log" / f"{2:020}.json")
        wait_until(watcher.problems, timeout=seconds(10), missing="the overwritten commit")
    [problem] = watcher.problems()
    assert problem.startswith("bronze/shoes version 2 was written over: OPTIMIZE by delta-rs")
    assert problem.endswith(", then WRITE by Spark")
    names = [f"{version:020}.{write}.json" for version, write in ((0, 1), (1, 1), (2, 1), (2, 2))]
    assert sorted(file.name for file in archived.iterdir()) == names
    assert "OPTIMIZE" in (archived / f"{2:020}.1.json").read_text()


def test_commit_removed_by_log_cleanup_is_not_an_overwritten_one(tmp_path: Path) -> None:
    table = tmp_path / "bronze" / "shoes"
    write_deltalake(table, ROWS)
    first, second = (table / "_delta_log" / f"{version:020}.json" for version in (1, 2))
    archived = tmp_path / ARCHIVE / "bronze" / "shoes"
    with CommitWatcher(tmp_path).watch() as watcher:
        write_deltalake(table, ROWS, mode="append")
        first.unlink()
        write_deltalake(table, ROWS, mode="append")
        write_deltalake(table, ROWS, mode="append")
        wait_until((archived / f"{second.stem}.1.json").exists, timeout=seconds(10), missing="the last commit")
    assert watcher.problems() == []


class StubSystem(SimpleNamespace):
    """A lake, topics and logs of one file each; it records whether it was stopped."""

    def __init__(self, home: Path) -> None:
        for name in ("lake", "kafka", "logs"):
            (home / name).mkdir(parents=True)
            (home / name / "file").write_text(name)
        (home / "kafka" / "0.index").write_text("holes")
        self.stopped = False
        stack = SimpleNamespace(home=home, logs=home / "logs", down=self.down)
        super().__init__(stack=stack, settings=SimpleNamespace(lake=str(home / "lake")))

    def down(self) -> None:
        self.stopped = True


@pytest.mark.parametrize(("always", "raises"), [(False, False), (True, False), (False, True)])
def test_lake_and_topics_are_preserved_if_a_problem_was_found(always: bool, raises: bool, tmp_path: Path) -> None:
    system: Any = StubSystem(tmp_path / "home")
    evidence = tmp_path / "evidence"
    printed: list[str] = []

    def run() -> None:
        with preserve_evidence(system, evidence, printed.append, always=always):
            if raises:
                raise ValueError("rows were lost")

    if raises:
        with pytest.raises(ValueError, match="lost"):
            run()
    else:
        run()
    preserved = {str(file.relative_to(evidence)) for file in evidence.rglob("*") if file.is_file()}
    assert preserved == ({"lake/file", "kafka/file", "logs/file"} if always or raises else {"logs/file"})
    assert system.stopped == (always or raises)
    assert str(evidence) in printed[0]


def test_every_core_is_busy_until_the_block_ends() -> None:
    before = {process.pid for process in psutil.Process().children()}
    with busy_cores():
        spinning = [process for process in psutil.Process().children() if process.pid not in before]
        assert len(spinning) == os.cpu_count()
    assert not any(process.is_running() for process in spinning)


@pytest.mark.parametrize("small_disk", [False, True])
def test_disk_full_fault_is_injected_on_a_small_disk_only(small_disk: bool, tmp_path: Path) -> None:
    armed = tmp_path / "armed"
    schedule = FailpointSchedule(armed, Random(1), small_disk)
    schedule.arm()
    steps = []
    while armed.exists():
        steps.append(armed.read_text())
        armed.unlink()
        schedule.poll()
    assert any(step.endswith(DISK_FULL) for step in steps) == small_disk
    assert len(steps) > 10
