"""Two concurrent writers of one table: a Spark process whose commits can be paused, and delta-rs in this process."""

import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from arro3.core import Array, DataType, Table
from deltalake import DeltaTable, Field, QueryBuilder, Schema, write_deltalake
from deltalake.exceptions import CommitFailedError, DeltaError
from deltalake.schema import PrimitiveType

from lakehouse.local.java import java_home
from lakehouse.local.java_build import compile_java
from lakehouse.retries import wait_until
from lakehouse.settings import ROOT, Settings
from support.timing import seconds

Rows = list[tuple[int, str]]
WRITER_SCHEMA = Schema([Field("id", PrimitiveType("integer")), Field("note", PrimitiveType("string"))])
RETENTION_HOURS = 1  # of vacuum: longer than any test
MAX_ATTEMPTS = 5
LOG_CLEANED = re.compile(r"File not found: \S+/_delta_log/\d{20}\.json")


class PausingWriter:
    """A Spark process that runs operations on tables, and pauses at their commits where a test wants it."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process
        self._pool = ThreadPoolExecutor(1)
        self._read_response()

    def submit(self, operation: str, path: Path, stamp: str = "") -> Future[Mapping[str, Any]]:
        """Start an operation; the result has `refused`, the number of conflicts, or the `error` that ended it."""
        assert self._process.stdin
        self._process.stdin.write(json.dumps({"operation": operation, "path": str(path), "stamp": stamp}) + "\n")
        self._process.stdin.flush()
        return self._pool.submit(self._read_response)

    @contextmanager
    def paused(self, operation: str, path: Path, stamp: str = "") -> Iterator[Future[Mapping[str, Any]]]:
        """Pause the operation's commit between the store's check of the version and its write, during this context."""
        log = path / "_delta_log"
        log.mkdir(parents=True, exist_ok=True)
        (log / ".pause").touch()
        result = self.submit(operation, path, stamp)
        wait_until(
            lambda: (log / ".paused").exists() or result.done(),
            timeout=seconds(120),
            missing=lambda: f"{operation} to reach its commit",
        )
        assert not result.done(), result.result()
        try:
            yield result
        finally:
            (log / ".paused").unlink()

    def close(self) -> None:
        assert self._process.stdin
        self._process.stdin.close()
        self._process.wait(60)
        self._pool.shutdown()

    def _read_response(self) -> Mapping[str, Any]:
        assert self._process.stdout
        line = self._process.stdout.readline()
        assert line, "the Spark process ended; its output is above"
        response: Mapping[str, Any] = json.loads(line)
        return response


@contextmanager
def start_pausing_writer(folder: Path, store: str) -> Iterator[PausingWriter]:
    """Start a Spark process that commits through the log store of this class name."""
    java, classes = java_home(ROOT / ".local"), folder / "classes"
    compile_java(java, Settings().jars_dir, sorted((ROOT / "tests" / "java").rglob("*.java")), classes)
    command = (sys.executable, "-m", "spark.pausing_writer", store, str(classes))
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "tests"), "JAVA_HOME": str(java), "TZ": "UTC"}
    process = subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment, cwd=folder
    )
    writer = PausingWriter(process)
    try:
        yield writer
    finally:
        writer.close()


def create_table(path: Path) -> Rows:
    """Create a table of two files and ten rows, with commits an hour old, and return its rows."""
    DeltaTable.create(
        str(path), schema=WRITER_SCHEMA, configuration={"delta.logRetentionDuration": "interval 10 minutes"}
    )
    for ids in (range(5), range(5, 10)):
        _append(str(path), "kept", *ids)
    for commit in (path / "_delta_log").glob("*.json"):
        os.utime(commit, (time.time() - 3600,) * 2)
    return [(id_, "kept") for id_ in range(10)]


def read_rows(path: Path) -> Rows:
    """Return the table's rows in order, as a reader sees them that starts at the last checkpoint."""
    result = (
        QueryBuilder()
        .register("t", DeltaTable(str(path)))
        .execute("SELECT id, note FROM t ORDER BY id, note")
        .read_all()
    )
    return [*zip(result.column("id").to_pylist(), result.column("note").to_pylist(), strict=True)]


def append(table: DeltaTable) -> None:
    _append(table, "from delta-rs", 400, 401)


def delete(table: DeltaTable) -> None:
    table.delete("id = 4")


def set_properties(table: DeltaTable) -> None:
    table.alter.set_table_properties({"cdc.note": "set"}, raise_if_not_exists=False)


def add_column(table: DeltaTable) -> None:
    table.alter.add_columns([Field("added", PrimitiveType("string"))])


def compact(table: DeltaTable) -> None:
    table.optimize.compact()


def checkpoint(table: DeltaTable) -> None:
    table.create_checkpoint()


def compact_and_checkpoint(table: DeltaTable) -> None:
    """Compact and checkpoint as maintenance does; the checkpoint makes the compaction's commit final."""
    compact(table)
    table.create_checkpoint()


def vacuum(table: DeltaTable) -> None:
    table.vacuum(RETENTION_HOURS, dry_run=False, enforce_retention_duration=False, full=True)


def clean_log(table: DeltaTable) -> None:
    """Write a checkpoint, and delete all commits before it whose retention is over."""
    table.create_checkpoint()
    table.cleanup_metadata()


DELTA_RS_OPERATIONS: Mapping[str, Callable[[DeltaTable], None]] = {
    operation.__name__: operation
    for operation in (
        *(append, delete, set_properties, add_column),
        *(compact, checkpoint, compact_and_checkpoint, vacuum, clean_log),
    )
}


def run_operation(operation: str, path: Path, stale_table: DeltaTable | None = None) -> int:
    """Run an operation of delta-rs until it commits, first on `stale_table`, and return the number of conflicts.

    A stale table whose log was cleaned cannot be read on, which is a conflict too.
    Raises AssertionError after MAX_ATTEMPTS conflicts.
    """
    for conflicts in range(MAX_ATTEMPTS):
        try:
            DELTA_RS_OPERATIONS[operation](stale_table if stale_table and not conflicts else DeltaTable(str(path)))
        except CommitFailedError:
            continue
        except DeltaError as error:
            if conflicts or not LOG_CLEANED.search(str(error)):
                raise
            continue
        return conflicts
    raise AssertionError(f"{operation} was refused {MAX_ATTEMPTS} times")


def _append(table: str | DeltaTable, note: str, *ids: int) -> None:
    columns: dict[str, Any] = {"id": Array(ids, DataType.int32()), "note": Array([note] * len(ids), DataType.string())}
    write_deltalake(table, Table.from_pydict(columns), mode="append", schema_mode="merge")
