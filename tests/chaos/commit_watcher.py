"""A watcher that archives every commit of the lake as it is written, and reports versions written twice.

A Delta version may be written only once: a second write discards a commit that its writer believes successful.
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
# inotify(7): a file was created, moved here or deleted; the event queue overflowed.
FILE_CREATED, MOVED_TO, FILE_DELETED, OVERFLOW = 0x100, 0x80, 0x200, 0x4000
INOTIFY_EVENT = struct.Struct("iIII")


@dataclass
class CommitWatcher:
    """The commits of all tables under a lake's root, and those that were overwritten."""

    lake: Path
    overwritten: list[Path] = field(default_factory=list)
    queue_overflowed: bool = False  # events arrived faster than they were read
    _logs: dict[int, Path] = field(default_factory=dict)
    _write_counts: dict[Path, int] = field(default_factory=dict)  # by commit that exists

    @contextmanager
    def watch(self) -> Iterator["CommitWatcher"]:
        """Watch the existing Delta logs until the block ends; do nothing where inotify is missing."""
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
        """Return one line for each version written more than once, and one for an overflow of the event queue."""
        overflow_problem = ["some commits were missed: the event queue overflowed"] if self.queue_overflowed else []
        return [*map(self._describe, dict.fromkeys(self.overwritten)), *overflow_problem]

    def _describe(self, commit: Path) -> str:
        """Return the writes of a version, as far as they were archived."""
        writes = sorted(
            self._archive(commit).glob(f"{commit.stem}.*.json"), key=lambda file: int(file.stem.split(".")[1])
        )
        description = ", then ".join(f"{write.operation} by {write.engine}" for write in map(read_commit, writes))
        return f"{self._table(commit)} version {int(commit.stem)} was written over: {description}"

    def _open(self) -> int:
        libc = ctypes.CDLL(None, use_errno=True)
        events = int(libc.inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC))
        for log in sorted(self.lake.glob("*/*/_delta_log")):
            watch_descriptor = libc.inotify_add_watch(events, os.fsencode(log), FILE_CREATED | MOVED_TO | FILE_DELETED)
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
            elif COMMIT_FILENAME.match(name) and mask & FILE_DELETED:
                self._write_counts.pop(self._logs[watch_descriptor] / name, None)
            elif COMMIT_FILENAME.match(name):
                self._record(self._logs[watch_descriptor] / name)

    def _record(self, commit: Path) -> None:
        """Archive a write of a commit, and record the commit as overwritten if it existed before."""
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
