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

from lakehouse.cdc.positions import Lane

ARCHIVE = ".commits"  # in the lake, for a hard link leaves no disk
# version.json in the log; version.n.json where the n-th write of that version was kept.
COMMIT_FILE = re.compile(r"^(\d{20})(?:\.(\d+))?\.json$")


@dataclass(frozen=True)
class AddedFile:
    """A data file as its add action tells it; offsets from its statistics, ends included."""

    path: str
    topic_partition: Lane
    first: int
    last: int
    rows: int

    def overlaps(self, lane: Lane, offsets: range) -> bool:
        return self.topic_partition == lane and self.first < offsets.stop and self.last >= offsets.start


@dataclass(frozen=True)
class Commit:
    """A commit; `write` is 2 where it was written over another one of the same version."""

    version: int
    write: int
    timestamp: datetime
    operation: str
    engine: str
    added: Sequence[AddedFile]
    removed: Sequence[str]

    @property
    def appends(self) -> bool:
        return self.operation == "WRITE" and not self.removed


@dataclass(frozen=True)
class DeltaLog:
    """The commits of a table that are known, in order, and the files that it has now."""

    commits: Sequence[Commit]
    files: frozenset[str]

    def commits_around(self, lane: Lane, gap: range) -> list[Commit]:
        """Return the commits from the append just before the gap to the one just behind it, and those that fill it."""
        appends = [(one, file) for one in self.commits if one.appends for file in one.added]
        before = [one.version for one, file in appends if file.overlaps(lane, range(gap.start - 1, gap.start))]
        behind = [one.version for one, file in appends if file.overlaps(lane, range(gap.stop, gap.stop + 1))]
        filling = [one.version for one, file in appends if file.overlaps(lane, gap)]
        near = [*before[-1:], *behind[:1], *filling]
        # Without a neighbour, as of a log that was cleaned, whatever holds offsets near by.
        return [one for one in self.commits if near and min(near) <= one.version <= max(near)]

    def file_status(self, path: str) -> str:
        """Return what became of a file that a commit added."""
        if path in self.files:
            return "in the table"
        removals = [one.version for one in self.commits if path in one.removed]
        return f"removed by version {removals[0]}" if removals else "LOST: no version removed it, and it is not there"


def read_log(table: Path, archive: Path | None = None, prefix: str = "") -> DeltaLog:
    """Read the table's log, with commits that were kept elsewhere; `prefix` stands before its offset columns."""
    archived = {_version_and_write(file): file for file in _commit_files(archive)}
    versions = {version for version, _ in archived}
    there = {_version_and_write(file): file for file in _commit_files(table / "_delta_log")}
    files = archived | {place: file for place, file in there.items() if place[0] not in versions}
    return DeltaLog(
        [read_commit(file, prefix) for _, file in sorted(files.items())],
        frozenset(unquote(path) for path in _paths(table)),
    )


def describe_gap(log: DeltaLog, lane: Lane, gap: range) -> Iterator[str]:
    """Yield a line for each commit around a gap, and one for each of its files that hold offsets near it."""
    near = range(gap.start - 1, gap.stop + 1)
    for one in log.commits_around(lane, gap):
        again = f", written over what was there (write {one.write})" if one.write > 1 else ""
        moment = one.timestamp.isoformat(timespec="milliseconds")
        changed = f"{len(one.added)} files added, {len(one.removed)} removed"
        yield f"version {one.version} {moment} {one.operation} by {one.engine}: {changed}{again}"
        for file in one.added:
            if file.overlaps(lane, near):
                yield f"  adds {file.first}–{file.last}, {file.rows} rows, {log.file_status(file.path)}: {file.path}"


def _commit_files(folder: Path | None) -> list[Path]:
    return [file for file in folder.glob("*.json") if COMMIT_FILE.match(file.name)] if folder else []


def _version_and_write(file: Path) -> tuple[int, int]:
    found = COMMIT_FILE.match(file.name)
    assert found
    return int(found[1]), int(found[2] or 1)


def read_commit(file: Path, prefix: str = "") -> Commit:
    """Read one commit; `prefix` stands before its offset columns, and a line that is no JSON is left out."""
    version, write = _version_and_write(file)
    actions = [*_actions(file)]
    said: Mapping[str, Any] = next((one["commitInfo"] for one in actions if "commitInfo" in one), {})
    added = (_added(one["add"], prefix) for one in actions if "add" in one)
    return Commit(
        version,
        write,
        datetime.fromtimestamp(said.get("timestamp", 0) / 1000, tz=timezone.utc),
        str(said.get("operation", "?")),
        str(said.get("engineInfo", "?")),
        [one for one in added if one],
        [unquote(one["remove"]["path"]) for one in actions if "remove" in one],
    )


def _actions(file: Path) -> Iterator[Mapping[str, Any]]:
    for line in file.read_text(encoding="utf-8").splitlines():
        with suppress(ValueError):
            yield json.loads(line)


def _added(action: Mapping[str, Any], prefix: str) -> AddedFile | None:
    """Return the file of an add action, None where it tells no offset or no partition, as quarantine's."""
    statistics, values = json.loads(action.get("stats") or "{}"), action["partitionValues"]
    first, last = (statistics.get(end, {}).get(f"{prefix}offset") for end in ("minValues", "maxValues"))
    incarnation, partition = (values.get(f"{prefix}{name}") for name in ("incarnation", "partition"))
    if None in {first, last, incarnation, partition}:
        return None
    lane = Lane(int(incarnation), int(partition))
    return AddedFile(unquote(action["path"]), lane, int(first), int(last), int(statistics["numRecords"]))


def _paths(table: Path) -> Sequence[str]:
    paths: Sequence[str] = DeltaTable(table).get_add_actions(flatten=True).column("path").to_pylist()
    return paths
