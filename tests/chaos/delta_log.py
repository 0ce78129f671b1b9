"""A Delta table's log, read from its JSON commits: the offsets that each commit added, and removed files."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from deltalake import DeltaTable

from lakehouse.cdc.offsets import TopicPartition

ARCHIVE = ".commits"  # inside the lake, because a hard link cannot cross file systems
# version.json in the log; version.n.json in the archive, for the n-th write of that version.
COMMIT_FILE = re.compile(r"^(\d{20})(?:\.(\d+))?\.json$")


@dataclass(frozen=True)
class AddedFile:
    """A data file from an add action, with the first and last offset from its statistics."""

    path: str
    topic_partition: TopicPartition
    first_offset: int
    last_offset: int
    row_count: int

    def overlaps(self, topic_partition: TopicPartition, offsets: range) -> bool:
        return (
            self.topic_partition == topic_partition
            and self.first_offset < offsets.stop
            and self.last_offset >= offsets.start
        )


@dataclass(frozen=True)
class DeltaCommit:
    """A commit of a Delta log; `write_number` is 2 where it overwrote another commit of its version."""

    version: int
    write_number: int
    timestamp: datetime
    operation: str
    engine: str
    added_files: Sequence[AddedFile]
    removed_paths: Sequence[str]

    @property
    def is_append(self) -> bool:
        return self.operation == "WRITE" and not self.removed_paths


@dataclass(frozen=True)
class DeltaLog:
    """The known commits of a table in version order, and the paths of its active files."""

    commits: Sequence[DeltaCommit]
    active_files: frozenset[str]

    def commits_around(self, topic_partition: TopicPartition, gap: range) -> list[DeltaCommit]:
        """Return the commits from the append before the gap to the one after it, those that fill it included.

        Empty where no append adds offsets in or next to the gap, as in a log that was cleaned.
        """
        appends = [(commit.version, file) for commit in self.commits if commit.is_append for file in commit.added_files]
        before_gap, after_gap = range(gap.start - 1, gap.start), range(gap.stop, gap.stop + 1)
        before = [version for version, file in appends if file.overlaps(topic_partition, before_gap)]
        after = [version for version, file in appends if file.overlaps(topic_partition, after_gap)]
        filling = [version for version, file in appends if file.overlaps(topic_partition, gap)]
        neighbors = [*before[-1:], *after[:1], *filling]
        return [commit for commit in self.commits if neighbors and min(neighbors) <= commit.version <= max(neighbors)]

    def file_status(self, path: str) -> str:
        """Return whether a file is in the table, was removed by a version, or was lost."""
        if path in self.active_files:
            return "in the table"
        removals = [commit.version for commit in self.commits if path in commit.removed_paths]
        return f"removed by version {removals[0]}" if removals else "LOST: no version removed it, and it is not there"


def read_log(table: Path, archive: Path | None = None, prefix: str = "") -> DeltaLog:
    """Return the table's log, with archived commits in place of those in `_delta_log`.

    `prefix` precedes the names of the offset columns: "" in Bronze, "_" in the versions of Silver.
    """
    archived = {_version_and_write(file): file for file in _commit_files(archive)}
    versions = {version for version, _ in archived}
    current = {_version_and_write(file): file for file in _commit_files(table / "_delta_log")}
    files = archived | {(version, n): file for (version, n), file in current.items() if version not in versions}
    return DeltaLog(
        [read_commit(file, prefix) for _, file in sorted(files.items())],
        frozenset(unquote(path) for path in _active_paths(table)),
    )


def describe_gap(log: DeltaLog, topic_partition: TopicPartition, gap: range) -> Iterator[str]:
    """Yield a line for each commit around a gap, and one for each added file with offsets near it."""
    neighborhood = range(gap.start - 1, gap.stop + 1)
    for commit in log.commits_around(topic_partition, gap):
        overwrite_note = (
            f", written over another commit (write {commit.write_number})" if commit.write_number > 1 else ""
        )
        timestamp = commit.timestamp.isoformat(timespec="milliseconds")
        changed = f"{len(commit.added_files)} files added, {len(commit.removed_paths)} removed"
        yield f"version {commit.version} {timestamp} {commit.operation} by {commit.engine}: {changed}{overwrite_note}"
        for file in commit.added_files:
            if file.overlaps(topic_partition, neighborhood):
                offsets = f"{file.first_offset}–{file.last_offset}"
                yield f"  adds {offsets}, {file.row_count} rows, {log.file_status(file.path)}: {file.path}"


def _commit_files(folder: Path | None) -> list[Path]:
    return [file for file in folder.glob("*.json") if COMMIT_FILE.match(file.name)] if folder else []


def _version_and_write(file: Path) -> tuple[int, int]:
    match = COMMIT_FILE.match(file.name)
    assert match
    return int(match[1]), int(match[2] or 1)


def read_commit(file: Path, prefix: str = "") -> DeltaCommit:
    """Return one commit; lines that are not JSON are skipped. `prefix` precedes the offset columns."""
    version, write_number = _version_and_write(file)
    actions = [*_actions(file)]
    commit_info: Mapping[str, Any] = next((action["commitInfo"] for action in actions if "commitInfo" in action), {})
    added_files = (_parse_added_file(action["add"], prefix) for action in actions if "add" in action)
    return DeltaCommit(
        version,
        write_number,
        datetime.fromtimestamp(commit_info.get("timestamp", 0) / 1000, tz=timezone.utc),
        str(commit_info.get("operation", "?")),
        str(commit_info.get("engineInfo", "?")),
        [file for file in added_files if file],
        [unquote(action["remove"]["path"]) for action in actions if "remove" in action],
    )


def _actions(file: Path) -> Iterator[Mapping[str, Any]]:
    for line in file.read_text(encoding="utf-8").splitlines():
        with suppress(ValueError):
            yield json.loads(line)


def _parse_added_file(action: Mapping[str, Any], prefix: str) -> AddedFile | None:
    """Return the file of an add action; None where it has no offset statistics or partition, as in quarantine."""
    statistics, partition_values = json.loads(action.get("stats") or "{}"), action["partitionValues"]
    first, last = (statistics.get(end, {}).get(f"{prefix}offset") for end in ("minValues", "maxValues"))
    incarnation, partition = (partition_values.get(f"{prefix}{name}") for name in ("incarnation", "partition"))
    if None in {first, last, incarnation, partition}:
        return None
    topic_partition = TopicPartition(int(incarnation), int(partition))
    return AddedFile(unquote(action["path"]), topic_partition, int(first), int(last), int(statistics["numRecords"]))


def _active_paths(table: Path) -> Sequence[str]:
    return [*DeltaTable(table).get_add_actions(flatten=True).column("path").to_pylist()]
