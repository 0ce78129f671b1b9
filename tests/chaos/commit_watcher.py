"""Every commit of the lake as it is written: kept beyond its log's clean-up, and named where it was written over.

A version of a Delta table is written once. Whoever writes it again takes a commit back that somebody was told of.
"""

import ctypes
import os
import re
import select
import struct
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from threading import Thread

from chaos.delta_log import ARCHIVE, read_commit

COMMIT_FILENAME = re.compile(r"^\d{20}\.json$")
# inotify(7): a file that was made, moved here, deleted; and a queue that was too short.
CREATED, MOVED_TO, DELETED, OVERFLOW = 0x100, 0x80, 0x200, 0x4000
INOTIFY_EVENT = struct.Struct("iIII")


@dataclass
class CommitWatcher:
    """The commits of all tables under a root: their names in each log, and those that were written over."""

    lake: Path
    overwritten: list[Path] = field(default_factory=list)
    queue_overflowed: bool = False  # events came faster than they were read
    _logs: dict[int, Path] = field(default_factory=dict)
    _write_counts: dict[Path, int] = field(default_factory=dict)  # how often each commit that is there was written

    @contextmanager
    def watch(self) -> Iterator["CommitWatcher"]:
        """Watch the logs that are there now until the block ends; nothing where this machine cannot."""
        if sys.platform != "linux":
            yield self
            return
        events = self._open()
        stop_reader, stop_writer = os.pipe()
        thread = Thread(target=self._read, args=(events, stop_reader))
        thread.start()
        try:
            yield self
        finally:
            os.write(stop_writer, b".")
            thread.join()
            for descriptor in (events, stop_reader, stop_writer):
                os.close(descriptor)

    def problems(self) -> Sequence[str]:
        """Return what speaks against the log: each version that was written more than once."""
        overflow_problem = ["some commits were not seen: events came too fast"] if self.queue_overflowed else []
        return [*map(self._describe, dict.fromkeys(self.overwritten)), *overflow_problem]

    def _describe(self, commit: Path) -> str:
        """Return which writes of a version there were, as far as they could be kept."""
        writes = sorted(
            self._archive(commit).glob(f"{commit.stem}.*.json"), key=lambda one: int(one.stem.split(".")[1])
        )
        commits = (read_commit(one) for one in writes)
        description = ", then ".join(f"{one.operation} by {one.engine}" for one in commits)
        return f"{self._table(commit)} version {int(commit.stem)} was written over: {description}"

    def _open(self) -> int:
        libc = ctypes.CDLL(None, use_errno=True)
        events = int(libc.inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC))
        for log in sorted(self.lake.glob("*/*/_delta_log")):
            watch_descriptor = libc.inotify_add_watch(events, os.fsencode(log), CREATED | MOVED_TO | DELETED)
            if watch_descriptor < 0:
                raise OSError(ctypes.get_errno(), f"{log} cannot be watched")
            self._logs[watch_descriptor] = log
            for commit in log.glob("*.json"):
                self._record(commit)
        return events

    def _read(self, events: int, stop_reader: int) -> None:
        while events in (ready := select.select([events, stop_reader], [], [])[0]) or stop_reader not in ready:
            with suppress(BlockingIOError):
                self._handle(os.read(events, 1 << 20))

    def _handle(self, buffer: bytes) -> None:
        start = 0
        while start < len(buffer):
            watch_descriptor, mask, _, length = INOTIFY_EVENT.unpack_from(buffer, start)
            start += INOTIFY_EVENT.size + length
            name = buffer[start - length : start].rstrip(b"\0").decode()
            if mask & OVERFLOW:
                self.queue_overflowed = True
            elif COMMIT_FILENAME.match(name) and mask & DELETED:
                self._write_counts.pop(self._logs[watch_descriptor] / name, None)
            elif COMMIT_FILENAME.match(name):
                self._record(self._logs[watch_descriptor] / name)

    def _record(self, commit: Path) -> None:
        """Keep a commit that was written, and note where another one was there."""
        write_count = self._write_counts[commit] = self._write_counts.get(commit, 0) + 1
        archive = self._archive(commit)
        archive.mkdir(parents=True, exist_ok=True)
        with suppress(FileNotFoundError, FileExistsError):
            os.link(commit, archive / f"{commit.stem}.{write_count}.json")
        if write_count > 1:
            self.overwritten.append(commit)

    def _table(self, commit: Path) -> Path:
        return commit.parent.parent.relative_to(self.lake)

    def _archive(self, commit: Path) -> Path:
        return self.lake / ARCHIVE / self._table(commit)
