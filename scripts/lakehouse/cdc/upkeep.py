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

WEEK = timedelta(days=7)
# A version or a checkpoint that has no name yet: as Spark and our log store call it, and as delta-rs does.
HALF_WRITTEN = (".*.tmp", "*.json#*", "*.parquet#*")
# Files are put together up to so many bytes; to less where a merge writes the whole of each file again that a row of
# its is in.
APPENDED_TO, MERGED_INTO = 64 * 1024 * 1024, 4 * 1024 * 1024


@dataclass(frozen=True)
class Kept:
    """What was done to a table: its files before and after, and how many dead ones were removed."""

    files_before: int
    files_after: int
    removed: int
    disturbed: bool = False  # another writer was quicker or compacts it, and the files were left as they are


def keep(path: str, retention: timedelta = WEEK, size: int = APPENDED_TO) -> Kept:
    """Compact the table's files, remove those that no version of the last while holds, and checkpoint its log.

    Raises LakehouseError where a step of it fails, as on a full disk. What was committed before the step stays.
    """
    try:
        before = len(DeltaTable(path).file_uris())
        disturbed = not compact_table(path, size)
        table = DeltaTable(path)
        removed = table.vacuum(
            int(retention.total_seconds() // 3600),
            dry_run=False,
            enforce_retention_duration=False,
            full=True,  # what a killed writer left is in no log
        )
        half_written = remove_half_written(path, retention)
        return Kept(before, len(shorten_log(path).file_uris()), len(removed) + half_written, disturbed)
    except (DeltaError, OSError) as error:
        raise LakehouseError(
            f"{path} was not maintained to the end: {innermost_cause(error)}. No row is lost; mend that, and run "
            "maintenance again."
        ) from error


def remove_half_written(path: str, retention: timedelta) -> int:
    """Remove what killed writers left half written in the log's folder, once it is that old, and return how much.

    Vacuum does not look there. A lake that is no folder has no such files.
    """
    log, oldest = Path(path) / "_delta_log", time.time() - retention.total_seconds()
    found = [file for pattern in HALF_WRITTEN for file in log.glob(pattern) if file.stat().st_mtime < oldest]
    for file in found:
        file.unlink(missing_ok=True)
    return len(found)


def shorten_log(path: str) -> DeltaTable:
    """Checkpoint the table's log, and remove the commits before a checkpoint that is as old as the log is to reach."""
    table = DeltaTable(path)
    table.create_checkpoint()
    table.cleanup_metadata()
    return table


def compact_table(path: str, size: int) -> bool:
    """Rewrite small files as larger ones up to `size` bytes, and return whether that was committed.

    It is not where another writer took away what it had read, and where another process compacts the same table.
    """
    with _only_compaction(path) as alone:
        if not alone:
            return False
        try:
            DeltaTable(path).optimize.compact(target_size=size)
        except CommitFailedError:
            return False
        return True


@contextmanager
def _only_compaction(path: str) -> Iterator[bool]:
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
