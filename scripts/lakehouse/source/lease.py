"""The lease of a writer: a Postgres advisory lock for one job on one lake (law 9)."""

from threading import Lock

from lakehouse.cdc.table_store import TableStore
from lakehouse.errors import LockHeld, LockLost
from lakehouse.settings import Settings
from lakehouse.source.postgres import (
    DEFAULT_DEADLINE_S,
    TRANSIENT_ERRORS,
    Connection,
    Error,
    connect,
    connection_lost,
    errors,
)

LOCK_KEY = "hashtextextended(%s, 0)"
# The key of a lock on a bigint is in two halves.
SELECT_HOLDER = f"""
    SELECT held.pid, host(activity.client_addr)
    FROM pg_locks AS held LEFT JOIN pg_stat_activity AS activity USING (pid)
    WHERE held.locktype = 'advisory' AND held.granted AND held.objsubid = 1
      AND held.database = (SELECT oid FROM pg_database WHERE datname = current_database())
      AND ((held.classid::bigint << 32) | held.objid::bigint) = {LOCK_KEY}
"""  # noqa: S608 - our own constant


class Lease:
    """The lease of a job (`stream`, `refresh`) on the lake of the settings. It lasts as long as its connection.

    Each acquisition has a new epoch: a lease that was lost and acquired again does not pass as unbroken.
    Each question to Postgres has `deadline` seconds.
    """

    def __init__(self, settings: Settings, job: str, *, deadline: float = DEFAULT_DEADLINE_S) -> None:
        self._settings = settings
        self._job = job
        self._deadline = deadline
        self._conn: Connection | None = None
        self._backend_pid: int | None = None
        self._epoch = 0
        self._mutex = Lock()

    @property
    def backend_pid(self) -> int | None:
        """Return the process id of the last Postgres session that had the lock, None where there was none."""
        return self._backend_pid

    def acquire(self, timeout: float = 0) -> int:
        """Acquire the lease unless this object has it already, and return its epoch.

        Raises LockHeld where another session still has it after `timeout` seconds.
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
        conn = connect(self._settings, autocommit=True, deadline=self._deadline)
        # 1 ms is the shortest lock_timeout of Postgres, and 0 means no timeout.
        lock_timeout = f"{max(1, round(timeout * 1000))}ms"
        try:
            conn.execute("SELECT set_config('lock_timeout', %s, false)", [lock_timeout])
            with conn.deadline(timeout + self._deadline):
                conn.execute(f"SELECT pg_advisory_lock({LOCK_KEY})", [lock_name])
        except errors.LockNotAvailable as error:
            with conn:
                raise LockHeld(self._describe_holder(conn, lock_name)) from error
        except TRANSIENT_ERRORS as error:
            conn.close()
            raise connection_lost(error) from None
        self._conn, self._backend_pid = conn, conn.info.backend_pid
        self._epoch += 1

    def _describe_holder(self, conn: Connection, lock_name: str) -> str:
        """Return who has the lock: a lost session of this very process, or another process."""
        try:
            holder = conn.execute(SELECT_HOLDER, [lock_name]).fetchone()
        except TRANSIENT_ERRORS:
            holder = None
        if holder and holder[0] == self._backend_pid:
            return (
                f"the lock of the {self._job} on {self._settings.lake} waits for Postgres process {holder[0]}, which "
                "does not answer and still has it. It goes on by itself once that process has ended or goes on. "
                "Look whether it is stopped (`ps`), or restart Postgres."
            )
        at = f", its Postgres session {holder[0]}{f' from {holder[1]}' if holder[1] else ''}" if holder else ""
        return (
            f"another {self._job} writes the lake {self._settings.lake}{at}. Wait for it, or stop it (`make status`)."
        )
