"""Upkeep of a table: few files instead of many, none that nobody reads, a log that begins at a checkpoint.

No row changes. Each file of a lane stays a file of that lane with its statistics, so what they say of how far the
table has come stays true.
"""

from dataclasses import dataclass
from datetime import timedelta

from deltalake import DeltaTable
from deltalake.exceptions import CommitFailedError

WEEK = timedelta(days=7)
# Files are put together up to so many bytes; to less where a merge writes the whole of each file again that a row of
# its is in.
APPENDED_TO, MERGED_INTO = 64 * 1024 * 1024, 4 * 1024 * 1024


@dataclass(frozen=True)
class Kept:
    """What was done to a table: its files before and after, and how many dead ones were removed."""

    files_before: int
    files_after: int
    removed: int
    disturbed: bool = False  # a writer was quicker, and its files were left as they are


def keep(path: str, retention: timedelta = WEEK, size: int = APPENDED_TO) -> Kept:
    """Compact the table's files, remove those that no version of the last while holds, and checkpoint its log."""
    table = DeltaTable(path)
    before = len(table.file_uris())
    disturbed = not _compacted(table, size)
    table.update_incremental()
    removed = table.vacuum(
        int(retention.total_seconds() // 3600),
        dry_run=False,
        enforce_retention_duration=False,
        full=True,  # what a killed writer left is in no log
    )
    return Kept(before, len(shorten_log(path).file_uris()), len(removed), disturbed)


def shorten_log(path: str) -> DeltaTable:
    """Checkpoint the table's log, and remove the commits before a checkpoint that is as old as the log is to reach."""
    table = DeltaTable(path)
    table.create_checkpoint()
    table.cleanup_metadata()
    return table


def _compacted(table: DeltaTable, size: int) -> bool:
    try:
        table.optimize.compact(target_size=size)
    except CommitFailedError:
        return False
    return True
