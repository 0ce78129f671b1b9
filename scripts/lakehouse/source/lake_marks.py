"""Marks in Postgres and the lake: a Postgres that lacks the lake's last one is older than what was read from it.

A data folder put back from a copy may have written more than it had lost. The length of its log then says nothing.
"""

from uuid import uuid4

from lakehouse.cdc.lake_mark import can_have_mark, read_mark, write_mark
from lakehouse.cdc.table_store import TableStore
from lakehouse.contracts.company import CREATE_TABLES, RESNAPSHOT_HINT
from lakehouse.errors import NotReady, SourceMismatch
from lakehouse.settings import Settings
from lakehouse.source.postgres import Connection, errors, short_connection

# A week of one a minute: a lake put back from a backup of last week has an older mark than Postgres, and is right.
RETAINED_MARKS = 10_000

# One statement, so that a Postgres put back between the look and the write gets no mark that the lake then believes.
INSERT_MARK = """
    INSERT INTO ops.lake_marks (mark, lake)
    SELECT %(mark)s, %(lake)s
    WHERE %(last)s::uuid IS NULL OR EXISTS (SELECT FROM ops.lake_marks WHERE mark = %(last)s::uuid)
    RETURNING id
"""
DELETE_OLD_MARKS = "DELETE FROM ops.lake_marks WHERE lake = %s AND id <= %s AND mark IS DISTINCT FROM %s::uuid"


def renew_mark(settings: Settings, store: TableStore) -> None:
    """Check that Postgres has the lake's last mark, and write a new one into both.

    Raises SourceMismatch, and writes nothing, where Postgres lacks it.
    """
    with short_connection(settings) as conn:
        advance_mark(conn, store)


def advance_mark(conn: Connection, store: TableStore, *, retained: int = RETAINED_MARKS) -> None:
    """Do what `renew_mark` does, on an open connection in autocommit mode; Postgres keeps the last `retained` marks."""
    if not can_have_mark(store.root):
        return
    last = read_mark(store.root)
    try:
        is_written = _insert_mark(conn, store, last, retained)
    except errors.UndefinedTable:
        if last is None:
            raise NotReady(f"Postgres has no table ops.lake_marks yet. {CREATE_TABLES} creates it.") from None
        is_written = False
    if not is_written:
        raise SourceMismatch(
            f"Postgres lacks the mark {last}, which it had when the lake {store.root} last read from it. An older "
            f"copy of its data was put back, and what was committed after it is gone. {RESNAPSHOT_HINT}"
        )


def reset_mark(conn: Connection, store: TableStore) -> None:
    """Write a new mark into both, whatever the lake's last one is: correct only where a resnapshot follows."""
    if can_have_mark(store.root):
        _insert_mark(conn, store, None, RETAINED_MARKS)


def _insert_mark(conn: Connection, store: TableStore, last: str | None, retained: int) -> bool:
    """Write a new mark into Postgres, if that has the last one, and then into the lake; return whether it was.

    A kill between the two leaves the lake with an earlier mark, which Postgres has too.
    """
    mark, lake = str(uuid4()), store.lake_id()
    row = conn.execute(INSERT_MARK, {"mark": mark, "lake": lake, "last": last}).fetchone()
    if row is None:
        return False
    conn.execute(DELETE_OLD_MARKS, [lake, row[0] - retained, last])
    write_mark(store.root, mark)
    return True
