"""A database of an older version: outbox, go-live and pending snapshots get today's shape, and nothing is lost."""

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

OUTBOX_OF_VERSION_0_2 = """
    DROP TABLE ops.slack_outbox;
    CREATE TABLE ops.slack_outbox (
      activity_id bigint PRIMARY KEY,
      message text NOT NULL,
      status text NOT NULL DEFAULT 'pending' CHECK (status IN ('pending', 'sent', 'dead_letter')),
      attempts int NOT NULL DEFAULT 0,
      next_attempt_at timestamptz NOT NULL DEFAULT now(),
      last_response text,
      enqueued_at timestamptz NOT NULL DEFAULT now(),
      sent_at timestamptz
    );
    CREATE INDEX slack_outbox_pending ON ops.slack_outbox (enqueued_at, activity_id) WHERE status = 'pending';
    INSERT INTO ops.slack_outbox (activity_id, message, status, last_response, enqueued_at) VALUES
      (1, 'pending', 'pending', NULL, '2026-06-01T10:00:00Z'),
      (2, 'dead', 'dead_letter', '404 no_service', '2026-06-01T09:00:00Z'),
      (3, 'sent', 'sent', '200 ok', '2026-06-01T08:00:00Z')
"""


def test_messages_of_version_0_2_can_be_withdrawn_and_expire(database: Settings) -> None:
    with connect(database, autocommit=True) as conn:
        conn.execute(OUTBOX_OF_VERSION_0_2)
        for _ in range(2):
            apply_ddl(database)
        stored = "SELECT activity_id, status, last_response, reason, retried_at FROM ops.slack_outbox ORDER BY 1"
        assert conn.execute(stored).fetchall() == [
            (1, "pending", None, None, None),
            (2, "dead_letter", "404 no_service", None, None),
            (3, "sent", "200 ok", None, None),
        ]
        assert conn.execute("SELECT bool_and(committed_at = enqueued_at) FROM ops.slack_outbox").fetchone() == (True,)
        pending = outbox.next_pending(conn)
        assert pending is not None
        assert pending.closure is not None  # version 0.2.0 would have sent it: its activity is gone
        for status in ("withdrawn", "expired"):
            outbox.close(conn, pending, outbox.Closure(status, "for a reason"))
        assert outbox.count_by_status(conn) == {"pending": 0, "sent": 1, "dead_letter": 1, "withdrawn": 0, "expired": 1}
        apply_ddl(database)
        assert outbox.count_by_status(conn)["expired"] == 1


def test_messages_of_version_0_1_are_there_under_the_new_names(database: Settings) -> None:
    with connect(database, autocommit=True) as conn:
        conn.execute(TABLES_OF_VERSION_0_1)
        for _ in range(2):
            apply_ddl(database)
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
            apply_ddl(database)
        assert request_snapshots(conn, reader_pid=2) == ["public.a", "public.b"]
        assert [(one.table, one.is_in_progress) for one in pending_snapshots(conn)] == [
            ("public.a", True),
            ("public.b", True),
        ]


def _index_definition(conn: Connection) -> str:
    row = conn.execute("SELECT pg_get_indexdef('ops.slack_outbox_pending'::regclass)").fetchone()
    assert row is not None
    return str(row[0])
