"""A table that is captured anew gets its snapshot, also when the registrar is killed in between."""

import json
from collections.abc import Iterator

import psycopg
import pytest

from lakehouse.errors import NotReady
from lakehouse.settings import Settings
from lakehouse.source import postgres, signals, topics


@pytest.fixture
def conn(database: Settings) -> Iterator[psycopg.Connection]:
    with postgres.connect(database, autocommit=True) as conn:
        yield conn


def test_an_owed_snapshot_is_asked_once(conn: psycopg.Connection) -> None:
    signals.owe_snapshots(conn, ["public.b", "public.a"], read_by=None)
    signals.owe_snapshots(conn, ["public.a"], read_by=None)
    assert signals.pay_snapshots(conn, read_by=7) == ["public.a", "public.b"]
    assert signals.pay_snapshots(conn, read_by=7) == []
    [(kind, data)] = conn.execute("SELECT type, data FROM cdc.signal").fetchall()
    assert kind == "execute-snapshot"
    assert json.loads(data) == {"type": "incremental", "data-collections": ["public.a", "public.b"]}


def test_a_snapshot_is_not_asked_of_the_reader_that_does_not_capture_the_table_yet(conn: psycopg.Connection) -> None:
    signals.owe_snapshots(conn, ["public.a"], read_by=7)
    assert signals.pay_snapshots(conn, read_by=7) == []
    assert signals.owes_snapshots(conn)
    assert signals.pay_snapshots(conn, read_by=8) == ["public.a"]
    assert not signals.owes_snapshots(conn)


def test_the_publication_has_what_the_connector_captures(conn: psycopg.Connection) -> None:
    signals.require_published(conn, topics.connector_file())


def test_a_table_outside_the_publication_is_named_with_its_remedy(conn: psycopg.Connection) -> None:
    conn.execute("ALTER PUBLICATION rh_sport DROP TABLE public.reward_rules")
    with pytest.raises(NotReady, match=r"public\.reward_rules.*pipeline\.py"):
        signals.require_published(conn, topics.connector_file())


def test_only_writing_transactions_hold_up_a_slot(conn: psycopg.Connection, database: Settings) -> None:
    with postgres.connect(database) as writer, postgres.connect(database) as reader:
        writer.execute("INSERT INTO cdc.signal (id, type) VALUES ('x', 'log')")
        reader.execute("SELECT 1")
        held_by = signals.open_transactions(conn, older_than=0)
        assert writer.info.backend_pid in [pid for pid, _ in held_by]
        assert reader.info.backend_pid not in [pid for pid, _ in held_by]
