"""A newly captured table's snapshot is owed until it has ended, also after a kill of the connector's controller."""

import json
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace

import pytest

from lakehouse.contracts.company import captured_table
from lakehouse.retries import wait_until
from lakehouse.settings import Settings
from lakehouse.source import debezium_signals, postgres, replication_slot, topics
from lakehouse.source.debezium_signals import PendingSnapshot
from lakehouse.source.snapshot_follower import SnapshotFollower
from stack.cdc_harness import CdcHarness, HarnessFactory
from stack.silver_diff import differences
from support.timing import seconds

BADGES = captured_table(table="badges", key=("id",), columns={"id": "int", "employee_id": "int", "label": "string"})
FIRST = captured_table(table="first", key=("id",), columns={"id": "int"})
NEW_TABLE = """
    CREATE TABLE badges (
      id int PRIMARY KEY,
      employee_id int NOT NULL,
      label_norm text GENERATED ALWAYS AS (lower(label)) STORED,
      label text
    );
    INSERT INTO badges (id, employee_id, label) SELECT n, n, 'B' || n FROM generate_series(1, 5) n
"""


@pytest.fixture
def conn(database: Settings) -> Iterator[postgres.Connection]:
    with postgres.connect(database, autocommit=True) as conn:
        yield conn


def test_enqueued_snapshot_is_requested_once(conn: postgres.Connection) -> None:
    debezium_signals.enqueue_snapshots(conn, ["public.b", "public.a"], reader_pid=None)
    debezium_signals.enqueue_snapshots(conn, ["public.a"], reader_pid=None)
    assert debezium_signals.request_snapshots(conn, reader_pid=7) == ["public.a", "public.b"]
    assert debezium_signals.request_snapshots(conn, reader_pid=7) == []
    [(signal_id, data)] = conn.execute("SELECT id, data FROM cdc.signal WHERE type = 'execute-snapshot'").fetchall()
    assert json.loads(data) == {"type": "incremental", "data-collections": ["public.a", "public.b"]}
    assert debezium_signals.pending_snapshots(conn) == [
        PendingSnapshot("public.a", signal_id),
        PendingSnapshot("public.b", signal_id),
    ]


def test_snapshot_is_not_requested_from_a_reader_without_the_new_table(conn: postgres.Connection) -> None:
    debezium_signals.enqueue_snapshots(conn, ["public.a"], reader_pid=7)
    assert debezium_signals.request_snapshots(conn, reader_pid=7) == []
    assert debezium_signals.pending_snapshots(conn) == [PendingSnapshot("public.a")]
    assert debezium_signals.request_snapshots(conn, reader_pid=8) == ["public.a"]


def test_requested_snapshot_is_owed_until_it_succeeded(conn: postgres.Connection) -> None:
    debezium_signals.enqueue_snapshots(conn, ["public.a", "public.b"], reader_pid=None)
    debezium_signals.request_snapshots(conn, reader_pid=7)
    debezium_signals.record_outcomes(conn, {"public.a": "SUCCEEDED", "public.b": "SQL_EXCEPTION"})
    [failed] = debezium_signals.pending_snapshots(conn)
    assert (failed.table, failed.failure, failed.is_in_progress) == ("public.b", "SQL_EXCEPTION", False)
    assert debezium_signals.request_snapshots(conn, reader_pid=7) == []
    debezium_signals.retry_snapshots(conn, ["public.b"])
    assert debezium_signals.request_snapshots(conn, reader_pid=7) == ["public.b"]


def test_only_one_request_is_in_progress(conn: postgres.Connection) -> None:
    debezium_signals.enqueue_snapshots(conn, ["public.a"], reader_pid=None)
    debezium_signals.request_snapshots(conn, reader_pid=7)
    debezium_signals.enqueue_snapshots(conn, ["public.b"], reader_pid=None)
    assert debezium_signals.request_snapshots(conn, reader_pid=7) == []
    debezium_signals.record_outcomes(conn, {"public.a": "SUCCEEDED"})
    assert debezium_signals.request_snapshots(conn, reader_pid=7) == ["public.b"]


def test_only_writing_transactions_are_reported_as_blocking_a_slot(
    conn: postgres.Connection, database: Settings
) -> None:
    with postgres.connect(database) as writer, postgres.connect(database) as reader:
        writer.execute("INSERT INTO cdc.signal (id, type) VALUES ('x', 'log')")
        reader.execute("SELECT 1")
        blocking = replication_slot.open_transactions(conn, older_than=0)
        assert writer.info.backend_pid in [pid for pid, _ in blocking]
        assert reader.info.backend_pid not in [pid for pid, _ in blocking]


class FollowedSnapshots:
    """A follower of a harness's snapshots, which starts again at each call, as after a kill."""

    def __init__(self, harness: CdcHarness) -> None:
        self.harness, self.now = harness, 0.0

    def owed(self) -> list[PendingSnapshot]:
        settings, topic = self.harness.settings, topics.notification_topic(self.harness.config)
        with postgres.connect(settings, autocommit=True) as conn:
            pid = replication_slot.slot_active_pid(conn, self.harness.name)
            if pid is None:
                return debezium_signals.pending_snapshots(conn)
            with closing(SnapshotFollower(settings, conn, topic, lambda: self.now)) as follower:
                return follower.follow(pid)


def capture_badges(harness: CdcHarness, include: str) -> None:
    """Create the table in the running system, and add `include` to the connector's tables."""
    harness.execute(NEW_TABLE, "CALL public.capture('public.badges')")
    with postgres.connect(harness.settings, autocommit=True) as conn:
        debezium_signals.enqueue_snapshots(
            conn, ["public.badges"], replication_slot.slot_active_pid(conn, harness.name)
        )
    harness.register_connector(table_include_list=f"{harness.config['table.include.list']}{include}")


def test_new_table_with_a_generated_column_ends_with_all_rows(make_harness: HarnessFactory) -> None:
    """Case 20: its snapshot failed, and was noted as done. Takes 30 s: the connector starts twice."""
    harness = make_harness([FIRST], "CREATE TABLE first (id int PRIMARY KEY); INSERT INTO first VALUES (1)")
    harness.start()
    harness.drain()
    capture_badges(harness, ",public.badges")
    snapshots = FollowedSnapshots(harness)
    harness.execute("INSERT INTO badges (id, employee_id, label) VALUES (6, 6, 'B6')")
    wait_until(
        lambda: not snapshots.owed(), timeout=seconds(90), missing=lambda: f"the snapshot to end: {snapshots.owed()}"
    )
    harness.stop_streams()
    badges = replace(BADGES, topic_prefix=harness.name)
    harness.contracts = [badges]
    harness.lake.store.create_silver(badges)
    harness.start_streams()
    harness.merge_silver()
    assert differences(harness, badges) == []
    assert harness.lake.silver(badges).count() == 6


@pytest.mark.long
def test_snapshot_of_a_table_that_the_connector_does_not_capture_stays_owed(make_harness: HarnessFactory) -> None:
    harness = make_harness([FIRST], "CREATE TABLE first (id int PRIMARY KEY); INSERT INTO first VALUES (1)")
    harness.start()
    harness.drain()
    harness.execute("CREATE TABLE keyless (id int)", "CALL public.capture('public.keyless')")
    with postgres.connect(harness.settings, autocommit=True) as conn:
        debezium_signals.enqueue_snapshots(conn, ["public.keyless"], None)
    snapshots = FollowedSnapshots(harness)
    wait_until(
        lambda: [one.failure for one in snapshots.owed()] not in ([], [None]),
        timeout=seconds(60),
        missing="the snapshot to fail",
    )
