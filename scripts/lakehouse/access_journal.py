"""The journal of access of the commands that show a person's data: who, when, what, and no values.

The Thrift server writes its lines itself (spark/java, AccessJournal), to files of its own beside these.
A file a writer and a day (UTC), with a number from its second 16 MiB on: `explain_employee-2026-11-30.1.jsonl`.
"""

import fcntl
import json
import os
import pwd
import re
import stat
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import date, timedelta
from pathlib import Path
from uuid import uuid4

from lakehouse.clock import Clock, utc_now
from lakehouse.errors import NotReady
from lakehouse.settings import Settings

MAX_FILE_BYTES = 16 << 20
FILE = re.compile(r"[a-z_]+-(\d{4}-\d{2}-\d{2})(\.\d+)?\.jsonl")
FILE_MODE, FOLDER_MODE = 0o640, 0o750


class Access:
    """What one command reads; `rows` is counted while it runs."""

    def __init__(self) -> None:
        self.rows = 0


class AccessJournal:
    """One writer's lines in the folder of journals; files older than `days` are deleted, whoever wrote them."""

    def __init__(
        self, folder: Path, writer: str, days: int, *, clock: Clock = utc_now, max_bytes: int = MAX_FILE_BYTES
    ) -> None:
        self._folder, self._writer, self._days = folder, writer, days
        self._clock, self._max_bytes = clock, max_bytes

    def append(self, line: dict[str, object]) -> None:
        """Write one line; one that an earlier writer left torn is ended first.

        Raises NotReady where it cannot be written.
        """
        text = json.dumps(line, ensure_ascii=False) + "\n"
        try:
            create_journal_folder(self._folder)
            today = self._clock().date()
            self._delete_before(today - timedelta(days=self._days))
            descriptor = os.open(self._path(today), os.O_RDWR | os.O_APPEND | os.O_CREAT, FILE_MODE)
            with os.fdopen(descriptor, "r+b", buffering=0) as file:
                fcntl.flock(file, fcntl.LOCK_EX)
                _set_mode(descriptor)
                size = os.fstat(descriptor).st_size
                is_torn = size > 0 and os.pread(descriptor, 1, size - 1) != b"\n"
                file.write((b"\n" if is_torn else b"") + text.encode())
        except OSError as error:
            raise NotReady(
                f"The journal of access in {self._folder} cannot be written ({error.strerror}), and nothing is shown "
                "without its line. Make the folder writable for this user, or set ACCESS_JOURNAL_DIR."
            ) from error

    @contextmanager
    def record(self, command: Sequence[str]) -> Iterator[Access]:
        """Yield what to count the rows in, and write a line when the body ends, whichever way it does.

        A line that the body's end cannot write would be lost: the folder is tried before.
        """
        access, at, started_at = Access(), self._clock(), time.monotonic()
        self._check_writable()
        outcome, condition = "cut", None  # a signal's
        try:
            yield access
            outcome = "answered"
        except Exception as error:
            outcome, condition = "failed", type(error).__name__
            raise
        finally:
            self.append(
                {
                    "at": at.strftime("%Y-%m-%dT%H:%M:%S.") + f"{at.microsecond // 1000:03d}Z",
                    "event": "command",
                    "id": str(uuid4()),
                    "session": None,
                    "user": _user_name(),
                    "role": None,
                    "client": None,
                    "asked": mask_values(command),
                    "views": [],
                    "outcome": outcome,
                    "condition": condition,
                    "rows": access.rows,
                    "seconds": round(time.monotonic() - started_at, 3),
                }
            )

    def _check_writable(self) -> None:
        with suppress(OSError):
            create_journal_folder(self._folder)
        if not os.access(self._folder, os.W_OK | os.X_OK):
            raise NotReady(
                f"The journal of access in {self._folder} cannot be written, and nothing is shown without its line. "
                "Make the folder writable for this user, or set ACCESS_JOURNAL_DIR."
            )

    def _path(self, today: date) -> Path:
        """Return the first of today's files that has room."""
        part = 0
        while True:
            number = f".{part}" if part else ""
            path = self._folder / f"{self._writer}-{today.isoformat()}{number}.jsonl"
            if not path.exists() or path.stat().st_size < self._max_bytes:
                return path
            part += 1

    def _delete_before(self, first: date) -> None:
        for path in self._folder.iterdir():
            match = FILE.fullmatch(path.name)
            if match and match[1] < first.isoformat():
                path.unlink(missing_ok=True)


def open_journal(settings: Settings, writer: str) -> AccessJournal:
    """Return a writer's journal in the folder of the settings."""
    return AccessJournal(settings.access_journal_dir, writer, settings.access_journal_days)


def create_journal_folder(folder: Path) -> None:
    """Create the folder of the journals for its owner and group; one that exists is left as it is."""
    if not folder.is_dir():
        folder.mkdir(parents=True, exist_ok=True)
        folder.chmod(FOLDER_MODE)


def mask_values(command: Sequence[str]) -> str:
    """Return a command line of the program's name and its options, with a ? for each value."""
    program, *words = command
    masked = (re.sub("=.*", "=?", word, flags=re.DOTALL) if word.startswith("--") else "?" for word in words)
    return " ".join([Path(program).stem, *masked])


def _set_mode(descriptor: int) -> None:
    """Let the group read, whatever the umask is; a file of another user has its mode already."""
    status = os.fstat(descriptor)
    if status.st_uid == os.geteuid() and stat.S_IMODE(status.st_mode) != FILE_MODE:
        os.fchmod(descriptor, FILE_MODE)


def _user_name() -> str:
    """Return the operating system's user; a uid without a name is itself."""
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return str(os.getuid())
