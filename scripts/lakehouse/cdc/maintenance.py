"""Upkeep of a table: few files instead of many, none that nobody reads, a log that begins at a checkpoint.

No row changes. Each file of a lane stays a file of that lane with its statistics, so what they say of how far the
table has come stays true.
"""

import fcntl
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from deltalake import DeltaTable
from deltalake.exceptions import CommitFailedError, DeltaError

from lakehouse.cdc.catalog import innermost_cause
from lakehouse.errors import LakehouseError

DEFAULT_RETENTION = timedelta(days=7)
# A version or a checkpoint that has no name yet: as Spark and our log store call it, and as delta-rs does.
TEMPORARY_FILE_PATTERNS = (".*.tmp", "*.json#*", "*.parquet#*")
# Files are put together up to so many bytes; to less where a merge writes the whole of each file again that a row of
# its is in.
APPEND_TARGET_BYTES, MERGE_TARGET_BYTES = 64 * 1024 * 1024, 4 * 1024 * 1024


@dataclass(frozen=True)
class MaintenanceResult:
    """What was done to a table: its files before and after, and how many dead ones were removed."""

    files_before: int
    files_after: int
    files_removed: int
    conflicted: bool = False  # another writer was quicker or compacts it, and the files were left as they are


def compact_and_vacuum(
    path: str, retention: timedelta = DEFAULT_RETENTION, target_bytes: int = APPEND_TARGET_BYTES
) -> MaintenanceResult:
    """Compact the table's files, remove those that no version of the last while holds, and checkpoint its log.

    Raises LakehouseError where a step of it fails, as on a full disk. What was committed before the step stays.
    """
    try:
        files_before = len(DeltaTable(path).file_uris())
        conflicted = not compact_table(path, target_bytes)
        table = DeltaTable(path)
        removed = table.vacuum(
            int(retention.total_seconds() // 3600),
            dry_run=False,
            enforce_retention_duration=False,
            full=True,  # what a killed writer left is in no log
        )
        temporary_files = remove_temporary_files(path, retention)
        return MaintenanceResult(
            files_before, len(checkpoint_log(path).file_uris()), len(removed) + temporary_files, conflicted
        )
    except (DeltaError, OSError) as error:
        raise LakehouseError(
            f"{path} was not maintained to the end: {innermost_cause(error)}. No row is lost; mend that, and run "
            "maintenance again."
        ) from error


def remove_temporary_files(path: str, retention: timedelta) -> int:
    """Remove what killed writers left half written in the log's folder, once it is that old, and return how much.

    Vacuum does not look there. A lake that is no folder has no such files.
    """
    log, oldest = Path(path) / "_delta_log", time.time() - retention.total_seconds()
    found = [file for pattern in TEMPORARY_FILE_PATTERNS for file in log.glob(pattern) if file.stat().st_mtime < oldest]
    for file in found:
        file.unlink(missing_ok=True)
    return len(found)


def checkpoint_log(path: str) -> DeltaTable:
    """Checkpoint the table's log, and remove the commits before a checkpoint that is as old as the log is to reach."""
    table = DeltaTable(path)
    table.create_checkpoint()
    table.cleanup_metadata()
    return table


def compact_table(path: str, target_bytes: int) -> bool:
    """Rewrite small files as larger ones up to `size` bytes, and return whether that was committed.

    It is not where another writer took away what it had read, and where another process compacts the same table.
    """
    with _compaction_lock(path) as acquired:
        if not acquired:
            return False
        try:
            DeltaTable(path).optimize.compact(target_size=target_bytes)
        except CommitFailedError:
            return False
        return True


@contextmanager
def _compaction_lock(path: str) -> Iterator[bool]:
    """Hold the table's lock for compactions, and yield whether it could be taken.

    delta-rs lets two compactions of the same files both commit, after which each row is there twice: it takes files
    that another one has rewritten for files that are still there. The lock is the kernel's: unlike Postgres's, it
    is not lost before its process ends. A lake that is no folder has the lease alone.
    """
    if "://" in path:
        yield True
        return
    with (Path(path) / "_delta_log" / ".compaction.lock").open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
        else:
            yield True
