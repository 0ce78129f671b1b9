"""The lease of a writer: a Postgres advisory lock for one job on one lake, and a number that rises (law 9).

The lock says who may write. The number, in the tables' own logs, keeps out a holder that has lost the lock and does not
know it yet (cdc/fence.py).
"""

from contextlib import suppress
from threading import Lock

from lakehouse.cdc.fence import WriterLease
from lakehouse.cdc.table_store import TableStore
from lakehouse.errors import LockHeld, LockLost, NotReady
from lakehouse.settings import Settings
from lakehouse.source.postgres import TRANSIENT_ERRORS, Connection, Error, connect, connection_lost, errors

# A lease of before that has no end may still be in use: its holder was killed, or is frozen.
_ACQUIRE = """
    WITH acquired AS (INSERT INTO ops.leases (lake_id, job) VALUES (%(lake)s, %(job)s) RETURNING number)
    SELECT number, EXISTS (SELECT FROM ops.leases WHERE lake_id = %(lake)s AND job = %(job)s AND ended_at IS NULL)
    FROM acquired
"""
_END_EARLIER = """
    UPDATE ops.leases SET ended_at = now()
    WHERE lake_id = %s AND job = %s AND number < %s AND ended_at IS NULL
"""
_END = "UPDATE ops.leases SET ended_at = now() WHERE number = %s"


class Lease:
    """The lease of a job (`stream`, `refresh`) on the lake of the settings. It lasts as long as its connection.

    Each acquisition has a new number: a lease that was lost and acquired again does not pass as unbroken.
    """

    def __init__(self, settings: Settings, job: str) -> None:
        self._settings = settings
        self._job = job
        self._conn: Connection | None = None
        self._number = 0
        self._lake_id = ""
        self._mutex = Lock()
        self.needs_fence = False

    def acquire(self, timeout: float = 0) -> int:
        """Acquire the lease unless this object has it already, and return its number.

        Afterwards `needs_fence` is whether an earlier holder may still be writing.
        Raises LockHeld where another process still has the lease after `timeout` seconds.
        """
        with self._mutex:
            if not self._is_active():
                self._acquire_lock(timeout)
            return self._number

    def ensure_held(self, number: int) -> None:
        """Raise LockLost unless the lease has been held without a break since `acquire` returned this number."""
        with self._mutex:
            if number != self._number or not self._is_active():
                raise LockLost(f"the lock of the {self._job} on {self._settings.lake} was lost; nothing was written.")

    def writer(self, number: int) -> WriterLease:
        """Return the lease as commits name it."""
        return WriterLease(self._job, number)

    def end_earlier(self) -> None:
        """Record that no earlier holder can write any more: each table of the job is fenced."""
        with self._mutex:
            if self._conn:
                self._conn.execute(_END_EARLIER, [self._lake_id, self._job, self._number])
                self.needs_fence = False

    def release(self) -> None:
        """Release the lease and record its end: this process commits nothing more by it."""
        with self._mutex:
            if self._conn and self._is_active():
                with suppress(Error):
                    self._conn.execute(_END, [self._number])
        self.close()

    def close(self) -> None:
        """Release the lease by closing its connection, as a killed process does; its end is not recorded."""
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
        self._lake_id = TableStore(self._settings.lake).lake_id()
        self._conn = connect(self._settings, autocommit=True)
        # 1 ms is the shortest lock_timeout of Postgres, and 0 means no timeout.
        lock_timeout = f"{max(1, round(timeout * 1000))}ms"
        lock_name = f"{self._job} {self._lake_id}"
        try:
            self._conn.execute("SELECT set_config('lock_timeout', %s, false)", [lock_timeout])
            self._conn.execute("SELECT pg_advisory_lock(hashtextextended(%s, 0))", [lock_name])
            # By the lock's own connection: whoever has lost the lock gets no number.
            row = self._conn.execute(_ACQUIRE, {"lake": self._lake_id, "job": self._job}).fetchone()
        except errors.LockNotAvailable as error:
            self.close()
            raise LockHeld(
                f"another {self._job} writes the lake {self._settings.lake}. Wait for it, or stop it (`make status`)."
            ) from error
        except errors.UndefinedTable as error:
            self.close()
            raise NotReady(
                "Postgres lacks ops.leases, which is newer than its tables. "
                "python scripts/ETL_Full_Load/pipeline.py --if-not-live creates it."
            ) from error
        except TRANSIENT_ERRORS as error:
            self.close()
            raise connection_lost(error) from None
        self._number, self.needs_fence = row or (0, True)
