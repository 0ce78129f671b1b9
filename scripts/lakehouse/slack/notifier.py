"""The Slack notifier: one loop that enqueues change events in the outbox and sends its messages."""

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from kafka import KafkaConsumer
from kafka.consumer.fetcher import ConsumerRecord
from kafka.errors import KafkaError

from lakehouse.contracts import STRAVA_ACTIVITIES
from lakehouse.errors import LockHeld, NotReady
from lakehouse.healthcheck import make_heartbeat
from lakehouse.http_session import external_session
from lakehouse.logs import logger
from lakehouse.retries import StopSignal, retry_until_stopped
from lakehouse.settings import Settings
from lakehouse.slack import change_events, outbox
from lakehouse.slack.change_events import ChangeEvent
from lakehouse.slack.dispatcher import Sender
from lakehouse.source import postgres, topics

CONSUMER_GROUP = "slack-notifier"
# A poll returns at the first message, and after a second at the latest, to check the clock and SIGTERM.
MAX_POLL_S = 1.0
CONNECTION_CHECK_INTERVAL_S = 15.0

log = logger("slack")


def serve(
    settings: Settings,
    stop: StopSignal,
    *,
    once: bool = False,
    topic: str = STRAVA_ACTIVITIES.topic,
    clock: Callable[[], float] = time.monotonic,
) -> None:
    """Enqueue and send messages until stopped, through outages of Postgres, Kafka and Slack.

    With `once`, return when the topic of activities is read to its end and no message is due. `clock` returns seconds.
    Raises LockHeld with `once` where another notifier runs.
    """
    with external_session() as session:
        sender = Sender(session, settings.slack_webhook_url, clock)
        retry_until_stopped(
            lambda: _run_session(settings, stop, sender, topic, clock, once=once),
            on=(NotReady, *postgres.TRANSIENT_ERRORS, KafkaError),
            log=log.warning,
            stop=stop,
        )


def show(settings: Settings) -> None:
    """Print each Slack message of the outbox, the oldest first, then the number of messages of each status."""
    with postgres.connect(settings) as conn:
        for status, message, reason in outbox.list_messages(conn):
            print(f"{status:<11} {message}" + (f"   [{reason}]" if status in outbox.UNSENT_STATUSES else ""))
        print(", ".join(f"{status} {count}" for status, count in outbox.count_by_status(conn).items()))


def retry_dead_letters(settings: Settings) -> None:
    """Make the outbox's dead letters pending again, and print their number. The notifier sends what still holds."""
    with postgres.connect(settings) as conn:
        count = outbox.retry_dead_letters(conn)
    print(f"{count} dead letters are pending again. The running notifier sends those that still hold.")


def _run_session(
    settings: Settings, stop: StopSignal, sender: Sender, topic: str, clock: Callable[[], float], *, once: bool
) -> None:
    with postgres.connect(settings, autocommit=True) as conn:
        _ensure_live_and_locked(conn, once=once)
        with topics.open_consumer(settings, [topic], group=CONSUMER_GROUP) as consumer:
            log.info("ready")
            heartbeat = make_heartbeat(settings.heartbeat_file)
            _send_and_poll(conn, consumer, sender, stop, heartbeat, clock, once=once)


def _ensure_live_and_locked(conn: postgres.Connection, *, once: bool) -> None:
    if not outbox.is_live(conn):
        raise NotReady("Not live yet: the first load has not ended. python scripts/ETL_Full_Load/pipeline.py does it.")
    if not outbox.try_lock(conn):
        reason = "Another notifier is sending from this outbox. Stop it first: a message goes out once."
        raise LockHeld(reason) if once else NotReady(reason)


def _send_and_poll(
    conn: postgres.Connection,
    consumer: KafkaConsumer,
    sender: Sender,
    stop: StopSignal,
    heartbeat: Callable[[], None],
    clock: Callable[[], float],
    *,
    once: bool,
) -> None:
    end_offsets = topics.end_offsets(consumer)
    last_check = clock()
    while not stop.is_set():
        heartbeat()
        wait = sender.send_one(conn)
        if once and wait is None and all(consumer.position(partition) >= end for partition, end in end_offsets.items()):
            return
        polled = consumer.poll(timeout_ms=round(1000 * min(MAX_POLL_S, MAX_POLL_S if wait is None else wait)))
        if polled:
            enqueue_from_topic(conn, polled)
            consumer.commit()
        elif clock() - last_check > CONNECTION_CHECK_INTERVAL_S:
            topics.end_offsets(consumer)
            conn.execute("SELECT")
            last_check = clock()


def enqueue_from_topic(conn: postgres.Connection, polled: Mapping[Any, Sequence[ConsumerRecord]]) -> None:
    """Enqueue a message for each new activity in the records. The caller commits their offsets only afterwards."""
    decoded = ((record, _parse_or_skip(record)) for records in polled.values() for record in records)
    parsed = [(record, change) for record, change in decoded if change is not None]
    for activity_id in _enqueue_or_skip(conn, parsed):
        log.info("message_enqueued", activity_id=activity_id)


def _parse_or_skip(record: ConsumerRecord) -> ChangeEvent | None:
    try:
        return change_events.parse_event(record.value)
    except Exception as error:  # noqa: BLE001 - nothing but the message is touched, so the error is the message's own
        _log_skipped(record, error)
        return None


def _enqueue_or_skip(conn: postgres.Connection, parsed: Sequence[tuple[ConsumerRecord, ChangeEvent]]) -> list[int]:
    """Enqueue all events at once; where one cannot be enqueued, one by one, so that only that one is skipped."""
    try:
        return outbox.enqueue(conn, [change for _, change in parsed]) if parsed else []
    except Exception as error:
        if not outbox.is_poison(error):
            raise
        if len(parsed) > 1:
            return [activity_id for item in parsed for activity_id in _enqueue_or_skip(conn, [item])]
        conn.execute("SELECT")  # raises where the connection is lost, so that the message is read again
        _log_skipped(parsed[0][0], error)
        return []


def _log_skipped(record: ConsumerRecord, error: Exception) -> None:
    log.warning(
        "unreadable_event_skipped",
        topic=record.topic,
        partition=record.partition,
        offset=record.offset,
        error=type(error).__name__,
    )
