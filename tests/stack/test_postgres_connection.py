"""Connections to Postgres: what psycopg2 alone does otherwise than the project needs."""

import os
import signal
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import date, datetime, timezone
from decimal import Decimal
from threading import Thread
from typing import Any

import pytest

from lakehouse.retries import wait_until
from lakehouse.settings import Settings
from lakehouse.source.postgres import Connection, DataError, Error, Jsonb, connect, errors
from support.timing import seconds

COPIED_ROWS, MAX_COPY_MEMORY = 200_000, 1_000_000  # bytes; the peak was 33,000, and 20 MB with all rows in one text
COPY = "COPY numbers (n, note) FROM STDIN"
LOCK_ID = 7_352_099
FIRST_DAY, LAST_DAY = "0001-01-01", "9999-12-31"


@pytest.fixture
def conn(database: Settings) -> Iterator[Connection]:
    with connect(database, autocommit=True) as conn:
        conn.execute(
            "CREATE TABLE numbers (n int PRIMARY KEY CHECK (n >= 0), note text, parent int REFERENCES numbers)"
        )
        yield conn


def read_numbers(database: Settings) -> list[int]:
    with connect(database) as other:
        return [n for (n,) in other.execute("SELECT n FROM numbers ORDER BY n")]


def insert(conn: Connection, *numbers: int) -> None:
    for n in numbers:
        conn.execute("INSERT INTO numbers VALUES (%s)", [n])


@pytest.mark.parametrize("autocommit", [True, False])
@pytest.mark.usefixtures("conn")
def test_error_in_a_nested_transaction_rolls_back_to_its_savepoint(database: Settings, *, autocommit: bool) -> None:
    with connect(database, autocommit=autocommit) as own, own.transaction():
        insert(own, 1)
        with pytest.raises(errors.UniqueViolation), own.transaction():
            insert(own, 2, 1)
        with own.transaction():
            insert(own, 3)
            with suppress(ZeroDivisionError), own.transaction():
                insert(own, 4)
                raise ZeroDivisionError
        insert(own, 5)
        assert read_numbers(database) == []
    assert read_numbers(database) == [1, 3, 5]


@pytest.mark.parametrize("autocommit", [True, False])
@pytest.mark.usefixtures("conn")
def test_nested_transaction_is_undone_with_the_outer_one(database: Settings, *, autocommit: bool) -> None:
    with connect(database, autocommit=autocommit) as own:
        with suppress(ZeroDivisionError), own.transaction():
            with own.transaction():
                insert(own, 1)
            raise ZeroDivisionError
        with own.transaction():
            insert(own, 2)
        assert read_numbers(database) == [2]


@pytest.mark.usefixtures("conn")
def test_with_commits_or_rolls_back_and_closes(database: Settings) -> None:
    with connect(database) as committed:
        insert(committed, 1)
        assert read_numbers(database) == []
    with suppress(ZeroDivisionError), connect(database) as rolled_back:
        insert(rolled_back, 2)
        raise ZeroDivisionError
    assert committed.closed
    assert rolled_back.closed
    assert read_numbers(database) == [1]


def test_statement_in_autocommit_mode_is_committed_at_once(conn: Connection, database: Settings) -> None:
    insert(conn, 1)
    assert read_numbers(database) == [1]
    with pytest.raises(errors.UniqueViolation):
        insert(conn, 1)
    insert(conn, 2)
    assert read_numbers(database) == [1, 2]


@pytest.mark.parametrize("kind", ["date", "timestamp", "timestamptz"])
@pytest.mark.parametrize("value", ["infinity", "-infinity", "10000-01-01", "0044-03-15 BC"])
def test_date_that_python_cannot_represent_is_an_error_and_can_be_read_as_text(
    conn: Connection, kind: str, value: str
) -> None:
    with pytest.raises(DataError, match="select it as text"):
        conn.execute(f"SELECT %s::{kind}", [value]).fetchall()
    assert conn.execute(f"SELECT %s::{kind}::text LIKE %s", [value, f"{value[:6]}%"]).fetchone() == (True,)


@pytest.mark.parametrize("day", [FIRST_DAY, LAST_DAY])
def test_first_and_last_day_of_the_calendar_are_read(conn: Connection, day: str) -> None:
    read = conn.execute("SELECT %s::date, %s::timestamp, %s::timestamptz, NULL::date", [day] * 3).fetchone()
    first = datetime.fromisoformat(day)
    assert read == (first.date(), first, first.replace(tzinfo=timezone.utc), None)


def test_percent_sign_is_a_character_where_there_are_no_values(conn: Connection) -> None:
    assert conn.execute("SELECT 7 % 4, 'a%', '%s', '%%'").fetchone() == (3, "a%", "%s", "%%")
    assert conn.execute("SELECT 7 %% 4, 'a%%', %s", ["%s"]).fetchone() == (3, "a%", "%s")


def test_values_keep_their_types(conn: Connection) -> None:
    values = [[1, None], ["a'", "%"], None, Decimal("1.10"), [Jsonb({"a": "b'\\"}), Jsonb(None)], date(2026, 1, 2), -1]
    query = "SELECT %s::int[], %s::text[], coalesce(%s, 'x'), %s, %s::jsonb[], %s - 1, 1-%s"
    expected = ([1, None], ["a'", "%"], "x", Decimal("1.10"), date(2026, 1, 1), 2)
    row = conn.execute(query, values).fetchone()
    assert row is not None
    assert (*row[:4], *row[5:]) == expected
    payloads = conn.execute("SELECT * FROM unnest(%s::jsonb[])", [values[4]]).fetchall()
    assert payloads == [({"a": "b'\\"},), (None,)]


def test_nul_is_an_error_of_the_value(conn: Connection) -> None:
    with pytest.raises(DataError):
        conn.execute("SELECT %s", ["a\0b"])
    with pytest.raises(DataError):
        conn.copy(COPY, [(1, "a\0b")])


def test_copied_values_equal_inserted_ones(conn: Connection) -> None:
    conn.execute(
        "CREATE TABLE copied (id int, t text, b boolean, x numeric, f float, d date, at timestamptz, local timestamp, "
        "j jsonb)"
    )
    texts = [None, "", r"\N", r"\.", "tab\t, newline\n, return\r, back\\slash", "é%s'\"\u2028"]
    moment = datetime(2026, 6, 1, 8, 30, 0, 123456, timezone.utc)
    row = [True, Decimal("1E+2"), float("inf"), date(1, 1, 1), moment, moment.replace(tzinfo=None)]
    rows: list[list[Any]] = [[n, text, *row, Jsonb({"text": text})] for n, text in enumerate(texts)]
    rows.append([len(texts), *[None] * 8])
    assert conn.copy("COPY copied FROM STDIN", rows) == len(rows)
    copied = conn.execute("SELECT * FROM copied ORDER BY id").fetchall()
    conn.execute("TRUNCATE copied")
    conn.execute_many("INSERT INTO copied VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s)", rows)
    assert conn.execute("SELECT * FROM copied ORDER BY id").fetchall() == copied
    assert [text for _, text, *_ in copied] == [*texts, None]


def test_copy_of_200000_rows_takes_bounded_memory(conn: Connection) -> None:
    tracemalloc.start()
    try:
        assert conn.copy(COPY, ((n, "x" * 100) for n in range(COPIED_ROWS))) == COPIED_ROWS
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < MAX_COPY_MEMORY
    assert conn.execute("SELECT count(*), sum(n) FROM numbers").fetchone() == (
        COPIED_ROWS,
        COPIED_ROWS * (COPIED_ROWS - 1) // 2,
    )


def test_error_of_the_rows_ends_the_copy_and_is_raised_itself(conn: Connection, database: Settings) -> None:
    with pytest.raises(ZeroDivisionError):
        conn.copy(COPY, ((n, 1 // (50 - n)) for n in range(100)))
    assert read_numbers(database) == []
    with pytest.raises(errors.UniqueViolation):
        conn.copy(COPY, [(1, None), (1, None)])


def lock_while_another_has_it(conn: Connection, database: Settings) -> None:
    with connect(database) as other:
        other.execute("LOCK TABLE numbers")
        conn.execute("SET lock_timeout = '10ms'")
        conn.execute("SELECT FROM numbers")


def read_without_the_right(conn: Connection, _: Settings) -> None:
    conn.execute("SET ROLE rh_sport_reader")
    conn.execute("SELECT FROM cdc.signal")


def run_after_a_termination(conn: Connection, database: Settings) -> None:
    with connect(database) as other:
        other.execute("SELECT pg_terminate_backend(%s, 10000)", [conn.info.backend_pid])  # ms to wait for its end
    conn.execute("SELECT 1")


@pytest.mark.parametrize(
    ("act", "error"),
    [
        (lambda conn, _: conn.execute("INSERT INTO numbers VALUES (1, NULL, 2)"), errors.ForeignKeyViolation),
        (lambda conn, _: insert(conn, 1, 1), errors.UniqueViolation),
        (lambda conn, _: insert(conn, -1), errors.CheckViolation),
        (lock_while_another_has_it, errors.LockNotAvailable),
        (read_without_the_right, errors.InsufficientPrivilege),
        (run_after_a_termination, errors.AdminShutdown),
    ],
)
def test_error_has_the_type_of_its_sqlstate(
    conn: Connection, database: Settings, act: Callable[[Connection, Settings], object], error: type[Error]
) -> None:
    with pytest.raises(error):
        act(conn, database)


@pytest.mark.usefixtures("ctrl_c")
def test_ctrl_c_ends_a_statement_that_waits_for_a_lock(conn: Connection, database: Settings) -> None:
    with connect(database, autocommit=True) as holder, connect(database, autocommit=True) as observer:
        holder.execute("SELECT pg_advisory_lock(%s)", [LOCK_ID])
        pid = conn.info.backend_pid

        def is_waiting() -> bool:
            waiting = "SELECT FROM pg_locks WHERE locktype = 'advisory' AND NOT granted AND pid = %s"
            return observer.execute(waiting, [pid]).fetchone() is not None

        def interrupt() -> None:
            wait_until(is_waiting, timeout=seconds(30), missing="the statement to wait")
            os.kill(os.getpid(), signal.SIGINT)

        conn.execute("SET lock_timeout = '60s'")  # else a failure of this test would wait forever
        interrupting = Thread(target=interrupt)
        interrupting.start()
        with pytest.raises(KeyboardInterrupt), conn.deadline(seconds(60)):
            conn.execute("SELECT pg_advisory_lock(%s)", [LOCK_ID])
        interrupting.join()
        assert conn.closed
        wait_until(lambda: not is_waiting(), timeout=seconds(10), missing="the end of the statement in Postgres")
