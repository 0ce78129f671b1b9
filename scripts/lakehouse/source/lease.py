"""The lease of a writer: a Postgres advisory lock for one job on one lake, and a number that rises (law 9).

One stream reads a Postgres, into whichever lake.
The lock says who may write. The number keeps out a holder that has lost the lock and does not know it yet: it is in
the logs of the tables (cdc/fence.py).
"""

from contextlib import suppress
from threading import Lock

from lakehouse.cdc.fence import WriterLease
from lakehouse.contracts.company import CREATE_TABLES
from lakehouse.errors import LockHeld, LockLost, NotReady
from lakehouse.settings import Settings
from lakehouse.source.commit_ledger import writable_store
from lakehouse.source.postgres import (
    DEFAULT_DEADLINE_S,
    TRANSIENT_ERRORS,
    Connection,
    Error,
    connect,
    connection_lost,
    errors,
)

# The key of a lock on a bigint is in two halves.
SELECT_HOLDER = """
    SELECT held.pid, host(activity.client_addr), lease.lake_uri
    FROM pg_locks AS held
    LEFT JOIN pg_stat_activity AS activity USING (pid)
    LEFT JOIN ops.leases AS lease ON lease.backend_pid = held.pid AND lease.job = %(job)s AND lease.ended_at IS NULL
    WHERE held.locktype = 'advisory' AND held.granted AND held.objsubid = 1
      AND held.database = (SELECT oid FROM pg_database WHERE datname = current_database())
      AND ((held.classid::bigint << 32) | held.objid::bigint) = hashtextextended(%(name)s, 0)
    ORDER BY lease.number DESC NULLS LAST LIMIT 1
"""
# A lease of before that has no end may still be in use: its holder was killed, or is frozen.
_ACQUIRE = """
    WITH acquired AS (
      INSERT INTO ops.leases (lake_id, lake_uri, job, backend_pid)
      VALUES (%(lake)s, %(uri)s, %(job)s, pg_backend_pid())
      RETURNING number
    )
    SELECT number, EXISTS (SELECT FROM ops.leases WHERE lake_id = %(lake)s AND job = %(job)s AND ended_at IS NULL)
    FROM acquired
"""
_END_EARLIER = """
    UPDATE ops.leases SET ended_at = now()
    WHERE lake_id = %s AND job = %s AND number < %s AND ended_at IS NULL
"""
_END = "UPDATE ops.leases SET ended_at = now() WHERE number = %s"


def lock_name(job: str, lake_id: str) -> str:
    """Return the name whose hash is the key of a job's advisory lock."""
    return job if job == "stream" else f"{job} {lake_id}"


def advance_numbers(conn: Connection, minimum: int) -> None:
    """Make the next lease's number higher than `minimum`: a Postgres put back from a backup counts from there."""
    conn.execute(
        "SELECT setval('ops.leases_number_seq', greatest(%s, (SELECT last_value FROM ops.leases_number_seq)))",
        [max(minimum, 1)],
    )


class Lease:
    """The lease of a job (`stream`, `refresh`) on the lake of the settings. It lasts as long as its connection.

    Two lakes of one Postgres share the lease of the stream.
    Each acquisition has a new number: a lease that was lost and acquired again does not pass as unbroken.
    Each question to Postgres has `deadline` seconds.
    """

    def __init__(self, settings: Settings, job: str, *, deadline: float = DEFAULT_DEADLINE_S) -> None:
        self._settings = settings
        self._job = job
        self._deadline = deadline
        self._conn: Connection | None = None
        self._backend_pid: int | None = None
        self._number = 0
        self._lake_id = ""
        self._mutex = Lock()
        self.needs_fence = False

    @property
    def backend_pid(self) -> int | None:
        """Return the process id of the last Postgres session that had the lock, None where there was none."""
        return self._backend_pid

    def acquire(self, timeout: float = 0) -> int:
        """Acquire the lease unless this object has it already, and return its number.

        Afterwards `needs_fence` is whether an earlier holder may still be writing.
        Raises LockHeld where another session still has the lease after `timeout` seconds.
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
        with writable_store(self._settings, self._job) as store:
            self._lake_id = store.lake_id()
        conn = connect(self._settings, autocommit=True, deadline=self._deadline)
        # 1 ms is the shortest lock_timeout of Postgres, and 0 means no timeout.
        lock_timeout = f"{max(1, round(timeout * 1000))}ms"
        name = lock_name(self._job, self._lake_id)
        try:
            conn.execute("SELECT set_config('lock_timeout', %s, false)", [lock_timeout])
            with conn.deadline(timeout + self._deadline):
                conn.execute("SELECT pg_advisory_lock(hashtextextended(%s, 0))", [name])
            # By the lock's own connection: whoever has lost the lock gets no number.
            row = conn.execute(
                _ACQUIRE, {"lake": self._lake_id, "uri": self._settings.lake, "job": self._job}
            ).fetchone()
        except errors.LockNotAvailable as error:
            with conn:
                raise LockHeld(self._describe_holder(conn, name)) from error
        except errors.UndefinedTable as error:
            conn.close()
            raise NotReady(f"Postgres has no table ops.leases yet. {CREATE_TABLES} creates it.") from error
        except TRANSIENT_ERRORS as error:
            conn.close()
            raise connection_lost(error) from None
        self._conn, self._backend_pid = conn, conn.info.backend_pid
        self._number, self.needs_fence = row or (0, True)

    def _describe_holder(self, conn: Connection, name: str) -> str:
        """Return who has the lock: a lost session of this very process, or another process, and its lake."""
        try:
            pid, address, lake = conn.execute(SELECT_HOLDER, {"name": name, "job": self._job}).fetchone() or (None,) * 3
        except TRANSIENT_ERRORS:
            pid = address = lake = None
        if pid and pid == self._backend_pid:
            return (
                f"the lock of the {self._job} on {self._settings.lake} waits for Postgres process {pid}, which "
                "does not answer and still has it. It goes on by itself once that process has ended or goes on. "
                "Look whether it is stopped (`ps`), or restart Postgres."
            )
        at = f", by Postgres session {pid}{f' from {address}' if address else ''}" if pid else ""
        return (
            f"another {self._job} writes the lake {lake or self._settings.lake}{at}. "
            "Wait for it, or stop it (`make status`)."
        )
