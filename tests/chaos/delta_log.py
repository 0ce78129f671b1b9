"""A table's log as its JSON tells it: which commit added which offsets, and which files are in the table no more."""

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

ARCHIVE = ".commits"  # in the lake, for a hard link leaves no disk
# version.json in the log; version.n.json where the n-th write of that version was kept.
COMMIT_FILE = re.compile(r"^(\d{20})(?:\.(\d+))?\.json$")


@dataclass(frozen=True)
class AddedFile:
    """A data file as its add action tells it; offsets from its statistics, ends included."""

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
    """A commit; `write` is 2 where it was written over another one of the same version."""

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
    """The commits of a table that are known, in order, and the files that it has now."""

    commits: Sequence[DeltaCommit]
    active_files: frozenset[str]

    def commits_around(self, topic_partition: TopicPartition, gap: range) -> list[DeltaCommit]:
        """Return the commits from the append just before the gap to the one just behind it, and those that fill it."""
        appends = [(one, file) for one in self.commits if one.is_append for file in one.added_files]
        before = [
            one.version for one, file in appends if file.overlaps(topic_partition, range(gap.start - 1, gap.start))
        ]
        after = [one.version for one, file in appends if file.overlaps(topic_partition, range(gap.stop, gap.stop + 1))]
        filling = [one.version for one, file in appends if file.overlaps(topic_partition, gap)]
        neighbors = [*before[-1:], *after[:1], *filling]
        # Without a neighbour, as of a log that was cleaned, whatever holds offsets near by.
        return [one for one in self.commits if neighbors and min(neighbors) <= one.version <= max(neighbors)]

    def file_status(self, path: str) -> str:
        """Return what became of a file that a commit added."""
        if path in self.active_files:
            return "in the table"
        removals = [one.version for one in self.commits if path in one.removed_paths]
        return f"removed by version {removals[0]}" if removals else "LOST: no version removed it, and it is not there"


def read_log(table: Path, archive: Path | None = None, prefix: str = "") -> DeltaLog:
    """Read the table's log, with commits that were kept elsewhere; `prefix` stands before its offset columns."""
    archived = {_version_and_write(file): file for file in _commit_files(archive)}
    versions = {version for version, _ in archived}
    current = {_version_and_write(file): file for file in _commit_files(table / "_delta_log")}
    files = archived | {place: file for place, file in current.items() if place[0] not in versions}
    return DeltaLog(
        [read_commit(file, prefix) for _, file in sorted(files.items())],
        frozenset(unquote(path) for path in _active_paths(table)),
    )


def describe_gap(log: DeltaLog, topic_partition: TopicPartition, gap: range) -> Iterator[str]:
    """Yield a line for each commit around a gap, and one for each of its files that hold offsets near it."""
    neighborhood = range(gap.start - 1, gap.stop + 1)
    for commit in log.commits_around(topic_partition, gap):
        overwrite_note = (
            f", written over what was there (write {commit.write_number})" if commit.write_number > 1 else ""
        )
        timestamp = commit.timestamp.isoformat(timespec="milliseconds")
        changed = f"{len(commit.added_files)} files added, {len(commit.removed_paths)} removed"
        yield f"version {commit.version} {timestamp} {commit.operation} by {commit.engine}: {changed}{overwrite_note}"
        for file in commit.added_files:
            if file.overlaps(topic_partition, neighborhood):
                yield f"  adds {file.first_offset}–{file.last_offset}, {file.row_count} rows, {log.file_status(file.path)}: {file.path}"


def _commit_files(folder: Path | None) -> list[Path]:
    return [file for file in folder.glob("*.json") if COMMIT_FILE.match(file.name)] if folder else []


def _version_and_write(file: Path) -> tuple[int, int]:
    found = COMMIT_FILE.match(file.name)
    assert found
    return int(found[1]), int(found[2] or 1)


def read_commit(file: Path, prefix: str = "") -> DeltaCommit:
    """Read one commit; `prefix` stands before its offset columns, and a line that is no JSON is left out."""
    version, write = _version_and_write(file)
    actions = [*_actions(file)]
    commit_info: Mapping[str, Any] = next((one["commitInfo"] for one in actions if "commitInfo" in one), {})
    added_files = (_parse_added_file(one["add"], prefix) for one in actions if "add" in one)
    return DeltaCommit(
        version,
        write,
        datetime.fromtimestamp(commit_info.get("timestamp", 0) / 1000, tz=timezone.utc),
        str(commit_info.get("operation", "?")),
        str(commit_info.get("engineInfo", "?")),
        [one for one in added_files if one],
        [unquote(one["remove"]["path"]) for one in actions if "remove" in one],
    )


def _actions(file: Path) -> Iterator[Mapping[str, Any]]:
    for line in file.read_text(encoding="utf-8").splitlines():
        with suppress(ValueError):
            yield json.loads(line)


def _parse_added_file(action: Mapping[str, Any], prefix: str) -> AddedFile | None:
    """Return the file of an add action, None where it tells no offset or no partition, as quarantine's."""
    statistics, partition_values = json.loads(action.get("stats") or "{}"), action["partitionValues"]
    first, last = (statistics.get(end, {}).get(f"{prefix}offset") for end in ("minValues", "maxValues"))
    incarnation, partition = (partition_values.get(f"{prefix}{name}") for name in ("incarnation", "partition"))
    if None in {first, last, incarnation, partition}:
        return None
    topic_partition = TopicPartition(int(incarnation), int(partition))
    return AddedFile(unquote(action["path"]), topic_partition, int(first), int(last), int(statistics["numRecords"]))


def _active_paths(table: Path) -> Sequence[str]:
    paths: Sequence[str] = DeltaTable(table).get_add_actions(flatten=True).column("path").to_pylist()
    return paths
