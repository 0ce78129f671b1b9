"""The lease of a writer: a Postgres advisory lock for one job on one lake (law 9)."""

from contextlib import suppress
from threading import Lock

from lakehouse.cdc.table_store import TableStore
from lakehouse.errors import LockHeld, LockLost
from lakehouse.settings import Settings
from lakehouse.source.postgres import TRANSIENT_ERRORS, Connection, Error, connect, connection_lost, errors


class Lease:
    """The lease of a job (`stream`, `refresh`) on the lake of the settings. It lasts as long as its connection.

    Each acquisition has a new epoch: a lease that was lost and acquired again does not pass as unbroken.
    """

    def __init__(self, settings: Settings, job: str) -> None:
        self._settings = settings
        self._job = job
        self._conn: Connection | None = None
        self._epoch = 0
        self._mutex = Lock()

    def acquire(self, timeout: float = 0) -> int:
        """Acquire the lease unless this object has it already, and return its epoch.

        Raises LockHeld where another process still has it after `timeout` seconds.
        """
        with self._mutex:
            if not self._is_active():
                self._acquire_lock(timeout)
            return self._epoch

    def ensure_held(self, epoch: int) -> None:
        """Raise LockLost unless the lease has been held without a break since `acquire` returned this epoch."""
        with self._mutex:
            if epoch != self._epoch or not self._is_active():
                raise LockLost(f"the lock of the {self._job} on {self._settings.lake} was lost; nothing was written.")

    def close(self) -> None:
        """Release the lease by closing its connection."""
        if self._conn:
            with suppress(Error):
                self._conn.close()

    def _is_active(self) -> bool:
        if self._conn is None:
            return False
        try:
            self._conn.execute("SELECT 1")
        except Error:
            return False
        return True

    def _acquire_lock(self, timeout: float) -> None:
        self.close()
        # Not the lake's path: a container and this machine reach the same lake by different paths.
        lock_name = f"{self._job} {TableStore(self._settings.lake).lake_id()}"
        self._conn = connect(self._settings, autocommit=True)
        # 1 ms is the shortest lock_timeout of Postgres, and 0 means no timeout.
        lock_timeout = f"{max(1, round(timeout * 1000))}ms"
        try:
            self._conn.execute("SELECT set_config('lock_timeout', %s, false)", [lock_timeout])
            self._conn.execute("SELECT pg_advisory_lock(hashtextextended(%s, 0))", [lock_name])
        except errors.LockNotAvailable as error:
            self.close()
            raise LockHeld(
                f"another {self._job} writes the lake {self._settings.lake}. Wait for it, or stop it (`make status`)."
            ) from error
        except TRANSIENT_ERRORS as error:
            self.close()
            raise connection_lost(error) from None
        self._epoch += 1
