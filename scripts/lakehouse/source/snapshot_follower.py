"""Requested snapshots are followed to their end, and those that failed are requested again (law 10)."""

import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import TYPE_CHECKING

from lakehouse.logs import logger
from lakehouse.retries import exponential_backoff
from lakehouse.settings import Settings
from lakehouse.source import debezium_signals, topics
from lakehouse.source.debezium_signals import PendingSnapshot
from lakehouse.source.postgres import Connection
from lakehouse.source.snapshot_notifications import SUCCEEDED, Notification, outcomes, parse_notification

if TYPE_CHECKING:
    from kafka import KafkaConsumer

POLL_MS, READ_TIMEOUT_S = 200, 5.0
# Each chunk of a snapshot is a notification, so a longer silence means that the request was lost.
MAX_SILENCE_S = 600.0
REQUEST_BACKOFF = exponential_backoff(initial=10.0, maximum=600.0)

log = logger("connector-controller")


class SnapshotFollower:
    """The pending snapshots of one connector, from their request to their end.

    What is owed is stored in Postgres, and the notifications are read from the topic's beginning. Only the pauses
    between requests are forgotten by a restart.
    """

    def __init__(self, settings: Settings, conn: Connection, topic: str, clock: Callable[[], float]) -> None:
        """Read notifications from `topic`; `clock` returns seconds."""
        self._settings, self._conn, self._topic, self._clock = settings, conn, topic, clock
        self._consumer: KafkaConsumer | None = None
        self._heard_at: dict[str, float] = {}  # by request
        self._failures: dict[str, int] = {}  # by table
        self._next_request_at: dict[str, float] = {}  # by table

    def close(self) -> None:
        if self._consumer:
            with suppress(Exception):
                self._consumer.close(autocommit=False)
            self._consumer = None

    def follow(self, reader_pid: int) -> list[PendingSnapshot]:
        """Request what may be requested, record what has ended, and return what is still owed."""
        for table in debezium_signals.request_snapshots(self._conn, reader_pid):
            log.info("snapshot_requested", table=table)
        pending = debezium_signals.pending_snapshots(self._conn)
        in_progress = [snapshot for snapshot in pending if snapshot.is_in_progress]
        if in_progress:
            self._record(in_progress)
            pending = debezium_signals.pending_snapshots(self._conn)
        self._retry([snapshot for snapshot in pending if snapshot.failure])
        return pending

    def _record(self, in_progress: list[PendingSnapshot]) -> None:
        requested = {snapshot.table: snapshot.signal_id or "" for snapshot in in_progress}
        notifications = self._read_notifications()
        self._note_silence(requested, notifications)
        ended = outcomes(notifications, requested)
        debezium_signals.record_outcomes(self._conn, ended)
        for table, outcome in ended.items():
            if outcome == SUCCEEDED:
                self._failures.pop(table, None)
                log.info("snapshot_completed", table=table)
            else:
                self._log_failure(table, outcome)

    def _log_failure(self, table: str, reason: str) -> None:
        self._failures[table] = self._failures.get(table, 0) + 1
        pause = REQUEST_BACKOFF(self._failures[table])
        self._next_request_at[table] = self._clock() + pause
        remedy = PendingSnapshot(table, failure=reason).remedy
        log.error("snapshot_failed", table=table, reason=reason, retry_in_s=pause, hint=remedy)

    def _retry(self, failed: list[PendingSnapshot]) -> None:
        """Make the failed snapshots whose pause is over ready for the next request."""
        now = self._clock()
        due = [snapshot.table for snapshot in failed if now >= self._next_request_at.get(snapshot.table, now)]
        if due:
            debezium_signals.retry_snapshots(self._conn, due)

    def _note_silence(self, requested: dict[str, str], notifications: Iterable[Notification]) -> None:
        """Make the snapshots of a request that Debezium has not mentioned for long ready for the next request."""
        now, heard = self._clock(), {notification.signal_id for notification in notifications}
        self._heard_at = {
            signal_id: now if signal_id in heard else self._heard_at.get(signal_id, now)
            for signal_id in requested.values()
        }
        silent = [table for table, signal_id in requested.items() if now - self._heard_at[signal_id] > MAX_SILENCE_S]
        if silent:
            log.error("snapshot_unanswered", tables=silent, seconds=MAX_SILENCE_S)
            debezium_signals.retry_snapshots(self._conn, silent)

    def _read_notifications(self) -> list[Notification]:
        """Return the notifications since the last call; the first call begins with the oldest.

        Raises KafkaError or NotReady in an outage.
        """
        if self._consumer is None:
            self._consumer = topics.open_consumer(self._settings, [self._topic])
        consumer, found = self._consumer, list[Notification]()
        ends = topics.end_offsets(consumer)
        deadline = time.monotonic() + READ_TIMEOUT_S  # what is not read by then is read at the next call
        while time.monotonic() < deadline and any(consumer.position(one) < end for one, end in ends.items()):
            records = [record for page in consumer.poll(POLL_MS).values() for record in page]
            found += [parsed for record in records if (parsed := parse_notification(record.value))]
        return found
