"""The right to write a lake: a Postgres advisory lock for one job on one lake (law 9)."""

from contextlib import suppress
from threading import Lock

import psycopg

from lakehouse.cdc.catalog import Catalog
from lakehouse.errors import AlreadyRunning
from lakehouse.settings import Settings
from lakehouse.source.postgres import AWAY, connect, gone


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

    def hold(self, patience: float = 0) -> int:
        """Take the lease where it is not held, and give its term.

        AlreadyRunning when another process has it, still after `patience` seconds.
        """
        with self._one_at_a_time:
            if not self._alive():
                self._take(patience)
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

    def _take(self, patience: float) -> None:
        self.close()
        # Not its path: a container and this machine call the same lake differently.
        name = f"{self._job} {Catalog(self._settings.lake).identity()}"
        self._conn = connect(self._settings, autocommit=True)
        # Postgres takes no shorter time than this, and 0 for no end at all.
        wait = f"{max(1, round(patience * 1000))}ms"
        try:
            self._conn.execute("SELECT set_config('lock_timeout', %s, false)", [wait])
            self._conn.execute("SELECT pg_advisory_lock(hashtextextended(%s, 0))", [name])
        except psycopg.errors.LockNotAvailable as error:
            self.close()
            raise AlreadyRunning(
                f"another {self._job} writes the lake {self._settings.lake}. Wait for it, or stop it (`make status`)."
            ) from error
        except AWAY as error:
            self.close()
            raise gone(error) from None
        self._term += 1
