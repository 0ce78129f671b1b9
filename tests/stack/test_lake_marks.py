"""A Postgres without the lake's last mark is older than what was read; a kill between the two is no false alarm."""

from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest

from lakehouse.cdc import lake_mark
from lakehouse.cdc.table_store import TableStore
from lakehouse.errors import NotReady, SourceMismatch
from lakehouse.settings import Settings
from lakehouse.source.lake_marks import advance_mark, renew_mark, reset_mark
from lakehouse.source.postgres import Connection, connect
from lakehouse.source.roles import as_worker

RETAINED = 3


@pytest.fixture
def conn(database: Settings) -> Iterator[Connection]:
    with connect(database, autocommit=True) as conn:
        yield conn


@pytest.fixture
def store(tmp_path: Path) -> TableStore:
    store = TableStore(str(tmp_path / "lake"))
    store.create_quarantine()
    return store


def marks(conn: Connection) -> list[str]:
    return [str(mark) for (mark,) in conn.execute("SELECT mark::text FROM ops.lake_marks ORDER BY id").fetchall()]


def test_mark_is_written_into_postgres_and_the_lake_also_by_the_login_of_the_stream(
    database: Settings, conn: Connection, store: TableStore
) -> None:
    for _ in range(2):
        renew_mark(as_worker(database), store)
    assert len(marks(conn)) == 2
    assert lake_mark.read_mark(store.root) == marks(conn)[-1]


def test_postgres_without_the_lakes_last_mark_is_refused_and_nothing_is_written(
    conn: Connection, store: TableStore
) -> None:
    advance_mark(conn, store)
    lost = str(uuid4())
    lake_mark.write_mark(store.root, lost)
    before = marks(conn)
    with pytest.raises(SourceMismatch, match=rf"lacks the mark {lost}.*resnapshot\.py"):
        advance_mark(conn, store)
    assert marks(conn) == before
    assert lake_mark.read_mark(store.root) == lost
    reset_mark(conn, store)
    advance_mark(conn, store)


def test_kill_between_the_two_writes_is_no_false_alarm(conn: Connection, store: TableStore) -> None:
    advance_mark(conn, store)
    last = lake_mark.read_mark(store.root)
    assert last
    for _ in range(5 * RETAINED):  # killed each time before the lake was written
        advance_mark(conn, store, retained=RETAINED)
        lake_mark.write_mark(store.root, last)
    advance_mark(conn, store)


def test_postgres_keeps_the_last_marks_of_each_lake(conn: Connection, store: TableStore, tmp_path: Path) -> None:
    other = TableStore(str(tmp_path / "other"))
    other.create_quarantine()
    advance_mark(conn, other)
    for _ in range(5 * RETAINED):
        advance_mark(conn, store, retained=RETAINED)
    assert len(marks(conn)) <= RETAINED + 2
    assert lake_mark.read_mark(other.root) in marks(conn)


def test_postgres_that_was_never_migrated_is_named_as_such(conn: Connection, store: TableStore) -> None:
    conn.execute("DROP TABLE ops.lake_marks")
    with pytest.raises(NotReady, match=r"no table ops\.lake_marks yet.*pipeline\.py"):
        advance_mark(conn, store)
    lake_mark.write_mark(store.root, str(uuid4()))
    with pytest.raises(SourceMismatch, match="lacks the mark"):
        advance_mark(conn, store)
