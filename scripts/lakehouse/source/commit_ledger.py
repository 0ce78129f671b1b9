"""The ledger of commits in Postgres, where whoever writes the lake's files cannot forge an entry (schema ops)."""

from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from threading import RLock
from typing import TypeVar

from lakehouse.cdc.commit_intents import CheckedVersion, CheckResult, CommitIntent, ForeignCommit, NotedIntent
from lakehouse.cdc.table_store import TableStore
from lakehouse.contracts.company import CREATE_TABLES
from lakehouse.errors import NotReady
from lakehouse.settings import Settings
from lakehouse.source.postgres import TRANSIENT_ERRORS, Connection, connect, connection_lost, errors

T = TypeVar("T")

_NOTE = """
    INSERT INTO ops.lake_commits (token, lake_id, table_name, after_version, job) VALUES (%s, %s, %s, %s, %s)
    ON CONFLICT DO NOTHING
"""
# Of a writer that was killed before its commit. A frozen one that resumes later is kept out by its lease's number.
_DELETE_OLD = """
    DELETE FROM ops.lake_commits
    WHERE lake_id = ANY(%s) AND table_name = %s AND noted_at < now() - interval '7 days'
"""
# A minute is more than a commit takes, and a backup is older.
_FORGET = "DELETE FROM ops.lake_commits WHERE lake_id = %s AND noted_at < now() - interval '1 minute'"
_SET_CHECKED = """
    INSERT INTO ops.checked_versions (lake_id, table_name, table_id, version) VALUES (%s, %s, %s, %s)
    ON CONFLICT (lake_id, table_name)
    DO UPDATE SET table_id = excluded.table_id, version = excluded.version, checked_at = now()
"""
_ADD_FOREIGN = """
    INSERT INTO ops.foreign_commits
      (lake_id, table_name, table_id, first_version, last_version, is_replacement, description)
    VALUES (%s, %s, %s, %s, %s, %s, %s)
"""
_RESOLVE = """
    UPDATE ops.foreign_commits SET resolved_at = now(), resolution = %s
    WHERE lake_id = %s AND table_name = %s AND resolved_at IS NULL
"""


@contextmanager
def writable_store(settings: Settings, job: str) -> Iterator[TableStore]:
    """Yield the lake's tables for a job that writes them: each commit is noted in Postgres first."""
    with closing(PostgresLedger(settings, job)) as ledger:
        yield TableStore(settings.lake, ledger)


class PostgresLedger:
    """The ledger of one process, on one connection that is opened when needed. Its threads take turns.

    Each question to Postgres has a deadline. Raises NotReady where Postgres does not answer.
    """

    def __init__(self, settings: Settings, job: str) -> None:
        self._settings, self._job = settings, job
        self._mutex = RLock()
        self._conn: Connection | None = None

    def note(self, intent: CommitIntent) -> None:
        """Store an intent durably, before its commit."""
        values = [intent.token, intent.lake_id, intent.table, intent.after_version, self._job]
        self._ask(lambda conn: conn.execute(_NOTE, values))

    def checked_versions(self, lake_id: str) -> Mapping[str, CheckedVersion]:
        """Return where the last check of each table of the lake ended, by layer/name."""
        query = "SELECT table_name, table_id, version FROM ops.checked_versions WHERE lake_id = %s"
        rows = self._ask(lambda conn: conn.execute(query, [lake_id]).fetchall())
        return {table: CheckedVersion(table_id, version) for table, table_id, version in rows}

    def has_other_lake(self, lake_id: str) -> bool:
        """Return whether a table of any other lake was checked."""
        query = "SELECT EXISTS (SELECT FROM ops.checked_versions WHERE lake_id <> %s)"
        return self._ask(lambda conn: conn.execute(query, [lake_id]).fetchone()) == (True,)

    @contextmanager
    def check(self, lake_id: str, table: str) -> Iterator["PostgresCheck"]:
        """Begin the check of a table; a second check of the same table waits for its end."""
        with self._answering() as conn, conn.transaction():
            conn.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [f"check {lake_id} {table}"])
            yield PostgresCheck(conn, lake_id, table)

    def foreign_commits(self, lake_id: str, *, resolved: bool = False) -> list[ForeignCommit]:
        """Return the lake's foreign commits that are not resolved; with `resolved`, all that were ever found."""
        query = """
            SELECT table_name, table_id, first_version, last_version, description, is_replacement
            FROM ops.foreign_commits WHERE lake_id = %s AND (%s OR resolved_at IS NULL)
            ORDER BY table_name, found_at, first_version
        """
        rows = self._ask(lambda conn: conn.execute(query, [lake_id, resolved]).fetchall())
        return [ForeignCommit(*row) for row in rows]

    def resolve(self, lake_id: str, table: str, resolution: str) -> None:
        """Resolve the foreign commits of a table."""
        self._ask(lambda conn: conn.execute(_RESOLVE, [resolution, lake_id, table]))

    def forget_intents(self, lake_id: str) -> None:
        """Delete the intents older than a minute: those that a restored Postgres has again were spent before."""
        self._ask(lambda conn: conn.execute(_FORGET, [lake_id]))

    def close(self) -> None:
        with self._mutex:
            if self._conn:
                self._conn.close()
                self._conn = None

    def _ask(self, question: Callable[[Connection], T]) -> T:
        """Return the answer to a question that may be asked twice: an idle connection may have been cut unnoticed."""
        with self._mutex:
            if self._conn is not None and not self._conn.closed:
                with suppress(NotReady), self._answering() as conn:
                    return question(conn)
            with self._answering() as conn:
                return question(conn)

    @contextmanager
    def _answering(self) -> Iterator[Connection]:
        """Yield the open connection to one thread; it is closed after an error, and opened again by the next one."""
        with self._mutex:
            if self._conn is None or self._conn.closed:
                self._conn = connect(self._settings, autocommit=True)
            try:
                yield self._conn
            except errors.UndefinedTable as error:
                self.close()
                raise NotReady(f"Postgres has no table ops.lake_commits yet. {CREATE_TABLES} creates it.") from error
            except TRANSIENT_ERRORS as error:
                self.close()
                raise connection_lost(error) from None


class PostgresCheck:
    """The check of one table in an open transaction."""

    def __init__(self, conn: Connection, lake_id: str, table: str) -> None:
        self._conn, self._lake_id, self._table = conn, lake_id, table
        query = "SELECT table_id, version FROM ops.checked_versions WHERE lake_id = %s AND table_name = %s"
        row = conn.execute(query, [lake_id, table]).fetchone()
        self.last = CheckedVersion(*row) if row else None

    def intents(self, tokens: Collection[str]) -> Mapping[str, NotedIntent]:
        """Return the noted intents of these tokens that are not spent."""
        query = """
            SELECT token, after_version, started_at IS NOT NULL FROM ops.lake_commits
            WHERE lake_id = ANY(%s) AND table_name = %s AND token = ANY(%s)
        """
        rows = self._conn.execute(query, [self._lake_ids, self._table, [*tokens]]).fetchall()
        return {token: NotedIntent(after_version, is_started) for token, after_version, is_started in rows}

    def record(self, result: CheckResult) -> None:
        """Store the outcome: spend the tokens, and open the foreign commits until they are resolved."""
        execute, checked = self._conn.execute, result.checked
        execute("DELETE FROM ops.lake_commits WHERE token = ANY(%s)", [[*result.spent]])
        execute("UPDATE ops.lake_commits SET started_at = now() WHERE token = ANY(%s)", [[*result.started]])
        execute(_DELETE_OLD, [self._lake_ids, self._table])
        execute(_SET_CHECKED, [self._lake_id, self._table, checked.table_id, checked.version])
        for one in result.foreign:
            versions = [one.first_version, one.last_version, one.is_replacement, one.description]
            execute(_ADD_FOREIGN, [self._lake_id, one.table, one.table_id, *versions])

    @property
    def _lake_ids(self) -> list[str]:
        return [self._lake_id, ""]
