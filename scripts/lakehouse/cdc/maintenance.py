"""Maintenance of a table: compaction of its files, vacuum, and checkpoints of its log.

No row changes. A compacted file has rows of one topic-partition, and statistics, so the table's offsets stay the same.
"""

import fcntl
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from deltalake import CommitProperties, DeltaTable
from deltalake.exceptions import CommitFailedError, DeltaError

from lakehouse.cdc.table_store import innermost_cause
from lakehouse.errors import LakehouseError

# Notes the intent of a commit, and returns the properties that the commit carries.
BeginCommit = Callable[[], CommitProperties | None]
DEFAULT_RETENTION = timedelta(days=7)
# Temporary names of versions and checkpoints: the first by Spark and our log store, the others by delta-rs.
TEMPORARY_FILE_PATTERNS = (".*.tmp", "*.json#*", "*.parquet#*")
# The size up to which files are compacted. It is smaller where a merge rewrites each file that has a matching row.
APPEND_TARGET_BYTES, MERGE_TARGET_BYTES = 64 * 1024 * 1024, 4 * 1024 * 1024


@dataclass(frozen=True)
class MaintenanceResult:
    """Outcome of a table's maintenance: its files before and after, and how many unused ones were removed."""

    files_before: int
    files_after: int
    files_removed: int
    conflicted: bool = False  # not compacted: another writer committed first, or compacts the table


def compact_and_vacuum(
    path: str,
    retention: timedelta = DEFAULT_RETENTION,
    target_bytes: int = APPEND_TARGET_BYTES,
    *,
    begin_commit: BeginCommit = lambda: None,
    before_cleanup: Callable[[], None] = lambda: None,
) -> MaintenanceResult:
    """Compact the table's files, remove those that no version within `retention` uses, and checkpoint its log.

    `before_cleanup` runs before commits are removed from the log: what it has not read then is lost.
    Raises LakehouseError where a step fails, as on a full disk. Commits of earlier steps stay.
    """
    try:
        files_before = len(DeltaTable(path).file_uris())
        conflicted = not compact_table(path, target_bytes, begin_commit)
        table = DeltaTable(path)
        removed = table.vacuum(
            int(retention.total_seconds() // 3600),
            dry_run=False,
            enforce_retention_duration=False,
            full=True,  # files of a killed writer are in no log
            commit_properties=begin_commit(),
        )
        temporary_files = remove_temporary_files(path, retention)
        before_cleanup()
        return MaintenanceResult(
            files_before, len(checkpoint_log(path).file_uris()), len(removed) + temporary_files, conflicted
        )
    except (DeltaError, OSError) as error:
        raise LakehouseError(
            f"{path} was not maintained to the end: {innermost_cause(error)}. No row is lost; fix that, and run "
            "maintenance again."
        ) from error


def remove_temporary_files(path: str, retention: timedelta) -> int:
    """Remove temporary files of killed writers, older than `retention`, from the log's folder; return how many.

    Vacuum does not look there. An object store has no such files.
    """
    log, cutoff = Path(path) / "_delta_log", time.time() - retention.total_seconds()
    candidates = (file for pattern in TEMPORARY_FILE_PATTERNS for file in log.glob(pattern))
    expired = [file for file in candidates if file.stat().st_mtime < cutoff]
    for file in expired:
        file.unlink(missing_ok=True)
    return len(expired)


def checkpoint_log(path: str) -> DeltaTable:
    """Checkpoint the table's log, and remove the commits that are older than its retention."""
    table = DeltaTable(path)
    table.create_checkpoint()
    table.cleanup_metadata()
    return table


def compact_table(path: str, target_bytes: int, begin_commit: BeginCommit = lambda: None) -> bool:
    """Compact small files into files of up to `target_bytes`, and return whether that was committed.

    It is not committed where another writer removed a file of them, or another process compacts the table.
    """
    with _compaction_lock(path) as acquired:
        if not acquired:
            return False
        try:
            DeltaTable(path).optimize.compact(target_size=target_bytes, commit_properties=begin_commit())
        except CommitFailedError:
            return False
        return True


@contextmanager
def _compaction_lock(path: str) -> Iterator[bool]:
    """Acquire the table's compaction lock, and yield whether it was free.

    delta-rs lets two compactions of the same files both commit, after which each row is there twice. It treats files
    that another compaction has rewritten as still present. The lock is the kernel's: unlike Postgres's, it is not lost
    before its process ends. On an object store only the lease protects the table.
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
