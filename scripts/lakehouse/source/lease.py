"""The right to write a lake: a Postgres advisory lock for one job on one lake (law 9)."""

from contextlib import suppress
from threading import Lock

import psycopg

from lakehouse.errors import AlreadyRunning
from lakehouse.settings import Settings
from lakehouse.source.postgres import connect


class Lease:
    """The lease of a job (`stream`, `refresh`) on the settings' lake, held as long as its connection lives.

    One that was lost and taken again is another one: it has a new term.
    """

    def __init__(self, settings: Settings, job: str) -> None:
        self._settings = settings
        self._job = job
        self._conn: psycopg.Connection | None = None
        self._term = 0
        self._one_at_a_time = Lock()

    def hold(self) -> int:
        """Take the lease where it is not held, and give its term. AlreadyRunning when another process has it."""
        with self._one_at_a_time:
            if not self._alive():
                self._take()
            return self._term

    def check(self, term: int) -> None:
        """Raise AlreadyRunning unless the lease has been held without a break since it had this term."""
        with self._one_at_a_time:
            if term != self._term or not self._alive():
                raise AlreadyRunning(
                    f"the lock of the {self._job} on {self._settings.lake} was lost; nothing was written."
                )

    def close(self) -> None:
        if self._conn:
            with suppress(psycopg.Error):
                self._conn.close()

    def _alive(self) -> bool:
        if self._conn is None:
            return False
        try:
            self._conn.execute("SELECT 1")
        except psycopg.Error:
            return False
        return True

    def _take(self) -> None:
        self.close()
        self._conn = connect(self._settings, autocommit=True)
        whose = f"{self._job} {self._settings.lake}"
        row = self._conn.execute("SELECT pg_try_advisory_lock(hashtextextended(%s, 0))", [whose]).fetchone()
        if not (row and row[0]):
            self.close()
            self._conn = None
            raise AlreadyRunning(
                f"another {self._job} writes the lake {self._settings.lake}. Wait for it, or stop it (`make status`)."
            )
        self._term += 1
