"""A requested snapshot is followed by Debezium's notifications, through restarts, failures and silence."""

import json
from collections.abc import Iterator
from contextlib import closing
from uuid import uuid4

import pytest
from kafka import KafkaProducer
from structlog.testing import capture_logs

from lakehouse.kafka_login import client_config
from lakehouse.settings import Settings
from lakehouse.source import debezium_signals, topics
from lakehouse.source.debezium_signals import PendingSnapshot
from lakehouse.source.postgres import Connection, connect
from lakehouse.source.snapshot_follower import MAX_SILENCE_S, SnapshotFollower
from support.timing import seconds

READER_PID = 7


class Notifier:
    """A topic of notifications, and followers of it that start with each call, as after a restart."""

    def __init__(self, settings: Settings, conn: Connection, topic: str) -> None:
        self.settings, self.conn, self.topic, self.now = settings, conn, topic, 0.0

    def notify(self, kind: str, **details: str) -> None:
        """Send a notification about the request that is in progress."""
        signal_id = next(one.signal_id for one in debezium_signals.pending_snapshots(self.conn) if one.is_in_progress)
        message = {"id": signal_id, "type": kind, "aggregate_type": "Incremental Snapshot", "additional_data": details}
        producer = KafkaProducer(**client_config(self.settings))
        producer.send(self.topic, json.dumps(message).encode()).get(timeout=seconds(30))
        producer.close()

    def follower(self) -> SnapshotFollower:
        return SnapshotFollower(self.settings, self.conn, self.topic, lambda: self.now)

    def follow(self) -> list[PendingSnapshot]:
        with closing(self.follower()) as follower:
            return follower.follow(READER_PID)


@pytest.fixture
def notifier(database: Settings) -> Iterator[Notifier]:
    topic = f"__debezium-notifications.{uuid4().hex}"
    with closing(topics.admin_client(database)) as admin, connect(database, autocommit=True) as conn:
        topics.create_missing_topics(admin, {topic: {}})
        debezium_signals.enqueue_snapshots(conn, ["public.a"], reader_pid=None)
        notifier = Notifier(database, conn, topic)
        assert [one.is_in_progress for one in notifier.follow()] == [True]
        yield notifier


def test_snapshot_is_owed_until_its_table_was_read_to_the_end(notifier: Notifier) -> None:
    notifier.notify("STARTED", data_collections="public.a")
    notifier.notify("IN_PROGRESS", data_collections="public.a")
    assert [one.table for one in notifier.follow()] == ["public.a"]
    notifier.notify("TABLE_SCAN_COMPLETED", scanned_collection="public.a", status="SUCCEEDED")
    notifier.notify("COMPLETED")
    assert notifier.follow() == []


def test_failed_snapshot_is_logged_with_its_remedy_stays_owed_and_is_requested_again(notifier: Notifier) -> None:
    notifier.notify("TABLE_SCAN_COMPLETED", scanned_collection="public.a", status="NO_PRIMARY_KEY")
    notifier.notify("COMPLETED")
    with closing(notifier.follower()) as follower:
        with capture_logs() as logs:
            [failed] = follower.follow(READER_PID)
        assert failed.failure == "NO_PRIMARY_KEY"
        [line] = [line for line in logs if line["event"] == "snapshot_failed"]
        assert (line["table"], line["reason"]) == ("public.a", "NO_PRIMARY_KEY")
        assert "ALTER TABLE public.a ADD PRIMARY KEY" in line["hint"]
        notifier.now += 9
        assert [one.failure for one in follower.follow(READER_PID)] == ["NO_PRIMARY_KEY"]
        notifier.now += 2
        follower.follow(READER_PID)
        assert [one.is_in_progress for one in follower.follow(READER_PID)] == [True]
    notifier.notify("TABLE_SCAN_COMPLETED", scanned_collection="public.a", status="SUCCEEDED")
    assert notifier.follow() == []


def test_request_that_debezium_never_mentions_is_sent_again(notifier: Notifier) -> None:
    with closing(notifier.follower()) as follower:
        [first] = follower.follow(READER_PID)
        notifier.now += MAX_SILENCE_S + 1
        follower.follow(READER_PID)
        [second] = follower.follow(READER_PID)
    assert second.is_in_progress
    assert second.signal_id != first.signal_id
