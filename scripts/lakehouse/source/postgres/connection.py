"""A connection with statements, transactions that nest, COPY, and a deadline for everything that Postgres is asked."""

import os
import socket
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from types import TracebackType
from typing import Any, TypeAlias, TypeVar

from psycopg2 import DatabaseError, DataError, Error, InterfaceError, OperationalError, errors
from psycopg2.extensions import TRANSACTION_STATUS_IDLE, connection, cursor
from psycopg2.extras import execute_batch
from psycopg2.sql import Composable

from lakehouse.source.postgres.copy_stream import CopyStream
from lakehouse.source.postgres.deadlines import DEFAULT_DEADLINE_S, DeadlineExceeded, call_with_deadline
from lakehouse.source.postgres.types import refuse_unrepresentable_dates

# Errors of a statement that are the fault of neither the statement nor its rows. Postgres is read-only where its disk
# is full or a standby was promoted in its place. InternalError as a whole has RAISE EXCEPTION in it, which may be.
TRANSIENT_ERRORS = (
    OperationalError,
    InterfaceError,
    errors.ReadOnlySqlTransaction,
    errors.InternalError_,
    errors.DataCorrupted,
    errors.IndexCorrupted,
)
TERMINATED = "FATAL:  terminating connection due to administrator command"

Statement: TypeAlias = str | bytes | Composable
Values: TypeAlias = Sequence[Any] | Mapping[str, Any]
Cursor: TypeAlias = cursor
T = TypeVar("T")


class Connection(connection):
    """A connection to Postgres. `with` commits at the end of its block, rolls back on an error, and closes.

    Without autocommit, the first statement begins a transaction. Each statement, commit or rollback has `deadline_s`
    seconds. Then the connection is closed, and DeadlineExceeded is raised, which is a transient error. Ctrl-C during
    one closes the connection too.
    """

    def __init__(self, dsn: str, **options: Any) -> None:
        super().__init__(dsn, **options)
        self.deadline_s = DEFAULT_DEADLINE_S
        refuse_unrepresentable_dates(self)

    # psycopg2's own begins a transaction, in autocommit mode too.
    def __enter__(self) -> "Connection":  # noqa: PYI034 - typing.Self came with Python 3.11
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None, /
    ) -> None:
        try:
            if self.closed:
                return
            if error is None:
                self.commit()
            else:
                with suppress(Error):
                    self.rollback()
        finally:
            self.close()

    @contextmanager
    def deadline(self, seconds: float) -> Iterator[None]:
        """Allow each statement of the block so many seconds."""
        before, self.deadline_s = self.deadline_s, seconds
        try:
            yield
        finally:
            self.deadline_s = before

    def commit(self) -> None:
        self._call(super().commit)

    def rollback(self) -> None:
        self._call(super().rollback)

    def close(self) -> None:
        """Close the connection, also while another thread waits for an answer on it."""
        if not self.closed:
            with suppress(DeadlineExceeded):
                self._call(super().close)

    def execute(self, statement: Statement, values: Values | None = None) -> Cursor:
        """Run a statement and return its cursor, which holds all rows. Without values, `%` is an ordinary character."""
        return self._run(lambda cursor: cursor.execute(statement, values))

    def execute_many(self, statement: Statement, rows: Iterable[Values]) -> None:
        """Run a statement once a row, in round trips of 100. Belongs into a transaction."""
        self._run(lambda cursor: execute_batch(cursor, statement, rows))

    def copy(self, statement: Statement, rows: Iterable[Sequence[object]]) -> int:
        """Run `COPY … FROM STDIN` with the rows, which are read one by one, and return their number."""
        stream = CopyStream(rows)
        try:
            return self._run(lambda cursor: cursor.copy_expert(statement, stream)).rowcount
        except Error:
            if stream.error:
                raise stream.error from None
            raise

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Commit at the end of the block, and roll back on an error. Inside a transaction the block is a savepoint."""
        begin, commit, rollback = self._savepoint() if self._in_transaction() else self._whole_transaction()
        begin()
        try:
            yield
        except BaseException:
            with suppress(Error):
                rollback()
            raise
        commit()

    def _in_transaction(self) -> bool:
        return self.info.transaction_status != TRANSACTION_STATUS_IDLE

    def _whole_transaction(self) -> tuple[Callable[[], object], ...]:
        if self.autocommit:
            return tuple(lambda word=word: self.execute(word) for word in ("BEGIN", "COMMIT", "ROLLBACK"))
        # psycopg2 sends BEGIN before the first statement, and must send COMMIT to know that the transaction ended.
        return lambda: self.execute("SELECT"), self.commit, self.rollback

    def _savepoint(self) -> tuple[Callable[[], object], ...]:
        # The innermost savepoint of a name is the one meant, so that all may have the same.
        words = "SAVEPOINT nested", "RELEASE nested", "ROLLBACK TO nested; RELEASE nested"
        return tuple(lambda word=word: self.execute(word) for word in words)

    def _run(self, call: Callable[[Cursor], object]) -> Cursor:
        used = self.cursor()
        try:
            self._call(lambda: call(used))
        except DeadlineExceeded:
            raise
        except DatabaseError as error:
            if self.closed and error.pgcode is None:
                raise self._reason_of_loss(error) from None
            raise
        except ValueError as error:
            if "NUL" in str(error):
                raise DataError(str(error)) from None
            raise
        return used

    def _call(self, call: Callable[[], T]) -> T:
        """Return the result of a call that waits for Postgres, within the deadline."""
        if self.closed:
            return call()  # it raises psycopg2's own error at once
        # Another descriptor of the same socket: the connection's own may be closed, and its number reused, meanwhile.
        with socket.socket(fileno=os.dup(self.fileno())) as own_socket:

            def abort() -> None:
                with suppress(OSError):
                    own_socket.shutdown(socket.SHUT_RDWR)

            return call_with_deadline(call, seconds=self.deadline_s, abort=abort)

    def _reason_of_loss(self, error: Error) -> Error:
        """Return the error that Postgres sent as it ended the session: psycopg2 reports only that the socket closed."""
        reason = self.info.error_message or str(error)
        kind = errors.AdminShutdown if reason.startswith(TERMINATED) else OperationalError
        return kind(reason.removeprefix("FATAL:  "))
