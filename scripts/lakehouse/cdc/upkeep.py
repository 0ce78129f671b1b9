"""Upkeep of a table: few files instead of many, none that nobody reads, a log that begins at a checkpoint.

No row changes. Each file of a lane stays a file of that lane with its statistics, so what they say of how far the
table has come stays true.
"""

from dataclasses import dataclass
from datetime import timedelta

from deltalake import DeltaTable
from deltalake.exceptions import CommitFailedError

WEEK = timedelta(days=7)
SMALL = 64 * 1024 * 1024  # bytes; files are put together up to here


@dataclass(frozen=True)
class Kept:
    """What was done to a table: its files before and after, and how many dead ones were removed."""

    files_before: int
    files_after: int
    removed: int
    disturbed: bool = False  # a writer was quicker, and its files were left as they are


def keep(path: str, retention: timedelta = WEEK) -> Kept:
    """Compact the table's files, remove those that no version of the last while holds, and checkpoint its log."""
    table = DeltaTable(path)
    before = len(table.file_uris())
    disturbed = not _compacted(table)
    table.update_incremental()
    removed = table.vacuum(
        int(retention.total_seconds() // 3600),
        dry_run=False,
        enforce_retention_duration=False,
        full=True,  # what a killed writer left is in no log
    )
    table = DeltaTable(path)
    table.create_checkpoint()
    table.cleanup_metadata()
    return Kept(before, len(table.file_uris()), len(removed), disturbed)


def _compacted(table: DeltaTable) -> bool:
    try:
        table.optimize.compact(target_size=SMALL)
    except CommitFailedError:
        return False
    return True
