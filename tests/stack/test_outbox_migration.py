"""A database of version 0.1.0: outbox, go-live and pending snapshots get today's names, and nothing is lost."""

from lakehouse.settings import Settings
from lakehouse.slack import outbox
from lakehouse.source.ddl import apply_ddl
from lakehouse.source.debezium_signals import pending_snapshots, request_snapshots
from lakehouse.source.postgres import Connection, connect

TABLES_OF_VERSION_0_1 = """
    DROP TABLE ops.slack_outbox, ops.go_live;
    CREATE TABLE ops.go_live (
      only_one boolean PRIMARY KEY DEFAULT true CHECK (only_one),
      live_since timestamptz NOT NULL DEFAULT now()
    );
    CREATE TABLE ops.slack_outbox (
      activity_id bigint PRIMARY KEY,
      message text NOT NULL,
      status text NOT NULL DEFAULT 'pending' CHECK (status IN ('pending', 'sent', 'set_aside')),
      attempts int NOT NULL DEFAULT 0,
      next_attempt_at timestamptz NOT NULL DEFAULT now(),
      answer text,
      owed_at timestamptz NOT NULL DEFAULT now(),
      sent_at timestamptz
    );
    CREATE INDEX slack_outbox_pending ON ops.slack_outbox (owed_at, activity_id) WHERE status = 'pending';
    INSERT INTO ops.go_live (live_since) VALUES ('2026-01-01T00:00:00Z');
    INSERT INTO ops.slack_outbox (activity_id, message, status, answer, owed_at) VALUES
      (1, 'pending', 'pending', NULL, '2026-06-01T10:00:00Z'),
      (2, 'dead', 'set_aside', 'invalid_payload', '2026-06-01T09:00:00Z'),
      (3, 'sent', 'sent', 'ok', '2026-06-01T08:00:00Z')
"""


def test_messages_of_version_0_1_are_there_under_the_new_names(database: Settings) -> None:
    with connect(database, autocommit=True) as conn:
        conn.execute(TABLES_OF_VERSION_0_1)
        for _ in range(2):
            apply_ddl(conn, database)
        stored = "SELECT activity_id, status, last_response FROM ops.slack_outbox ORDER BY enqueued_at"
        assert conn.execute(stored).fetchall() == [
            (3, "sent", "ok"),
            (2, "dead_letter", "invalid_payload"),
            (1, "pending", None),
        ]
        pending = outbox.next_pending(conn)
        assert pending is not None
        outbox.mark_dead(conn, pending, "invalid_payload")
        assert outbox.next_pending(conn) is None
        assert conn.execute("SELECT singleton, live_since::text FROM ops.go_live").fetchall() == [
            (True, "2026-01-01 00:00:00+00")
        ]
        assert "(enqueued_at, activity_id)" in _index_definition(conn)


def test_snapshot_pending_in_version_0_1_is_requested_once_under_the_new_name(database: Settings) -> None:
    with connect(database, autocommit=True) as conn:
        conn.execute("DELETE FROM cdc.signal")
        conn.execute(
            "INSERT INTO cdc.signal (id, type, data) VALUES "
            """('owed:public.a', 'log', '{"read_by": 1}'), ('owed:public.b', 'log', '{"read_by": 1}'), """
            """('pending:public.b', 'log', '{"read_by": 1}')"""
        )
        for _ in range(2):
            apply_ddl(conn, database)
        assert request_snapshots(conn, reader_pid=2) == ["public.a", "public.b"]
        assert [(one.table, one.is_in_progress) for one in pending_snapshots(conn)] == [
            ("public.a", True),
            ("public.b", True),
        ]


def _index_definition(conn: Connection) -> str:
    row = conn.execute("SELECT pg_get_indexdef('ops.slack_outbox_pending'::regclass)").fetchone()
    assert row is not None
    return str(row[0])
