"""A newly captured table gets its snapshot, also after the connector's controller was killed in between."""

import json
from collections.abc import Iterator

import pytest

from lakehouse.errors import NotReady
from lakehouse.settings import Settings
from lakehouse.source import debezium_signals, postgres, replication_slot, topics


@pytest.fixture
def conn(database: Settings) -> Iterator[postgres.Connection]:
    with postgres.connect(database, autocommit=True) as conn:
        yield conn


def test_enqueued_snapshot_is_requested_once(conn: postgres.Connection) -> None:
    debezium_signals.enqueue_snapshots(conn, ["public.b", "public.a"], reader_pid=None)
    debezium_signals.enqueue_snapshots(conn, ["public.a"], reader_pid=None)
    assert debezium_signals.request_snapshots(conn, reader_pid=7) == ["public.a", "public.b"]
    assert debezium_signals.request_snapshots(conn, reader_pid=7) == []
    [(kind, data)] = conn.execute("SELECT type, data FROM cdc.signal").fetchall()
    assert kind == "execute-snapshot"
    assert json.loads(data) == {"type": "incremental", "data-collections": ["public.a", "public.b"]}


def test_snapshot_is_not_requested_from_a_reader_without_the_new_table(conn: postgres.Connection) -> None:
    debezium_signals.enqueue_snapshots(conn, ["public.a"], reader_pid=7)
    assert debezium_signals.request_snapshots(conn, reader_pid=7) == []
    assert debezium_signals.has_pending_snapshots(conn)
    assert debezium_signals.request_snapshots(conn, reader_pid=8) == ["public.a"]
    assert not debezium_signals.has_pending_snapshots(conn)


def test_publication_contains_every_captured_table(conn: postgres.Connection) -> None:
    replication_slot.ensure_published(conn, topics.read_connector_config())


def test_a_table_outside_the_publication_is_named_with_its_remedy(conn: postgres.Connection) -> None:
    conn.execute("ALTER PUBLICATION rh_sport DROP TABLE public.reward_rules")
    with pytest.raises(NotReady, match=r"public\.reward_rules.*pipeline\.py"):
        replication_slot.ensure_published(conn, topics.read_connector_config())


def test_only_writing_transactions_are_reported_as_blocking_a_slot(
    conn: postgres.Connection, database: Settings
) -> None:
    with postgres.connect(database) as writer, postgres.connect(database) as reader:
        writer.execute("INSERT INTO cdc.signal (id, type) VALUES ('x', 'log')")
        reader.execute("SELECT 1")
        blocking = replication_slot.open_transactions(conn, older_than=0)
        assert writer.info.backend_pid in [pid for pid, _ in blocking]
        assert reader.info.backend_pid not in [pid for pid, _ in blocking]
