"""Takes changes into the outbox and sends what is in it, one loop for both: what is owed first, then a message."""

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import httpx
import psycopg
from kafka import KafkaConsumer
from kafka.consumer.fetcher import ConsumerRecord
from kafka.errors import KafkaError

from lakehouse.alive import sign
from lakehouse.contracts import STRAVA_ACTIVITIES
from lakehouse.errors import AlreadyRunning, NotReady
from lakehouse.logs import logger
from lakehouse.settings import Settings
from lakehouse.slack import changes, outbox
from lakehouse.slack.changes import Change
from lakehouse.slack.sender import Sender
from lakehouse.source import postgres, topics
from lakehouse.waiting import Stop, carry_on

GROUP = "slack-notifier"
# A poll returns as soon as there is a message; it ends after a second to look at the clock and at SIGTERM.
LONGEST_POLL = 1.0
STILL_THERE_EVERY = 15.0

log = logger("slack")


def serve(settings: Settings, stop: Stop, *, once: bool = False) -> None:
    """Cheer until asked to stop, through outages; `once` leaves when the topic is read and nothing is due."""
    with httpx.Client() as client:
        sender = Sender(client, settings.slack_webhook_url)
        carry_on(
            lambda: _session(settings, stop, sender, once=once),
            away=(NotReady, *postgres.AWAY, KafkaError),
            say=log.warning,
            stop=stop,
        )


def show(settings: Settings) -> None:
    """Print the outbox, the oldest first."""
    with postgres.connect(settings) as conn:
        for status, message, answer in outbox.messages(conn):
            print(f"{status:<10} {message}" + (f"   [{answer}]" if status == "set_aside" else ""))


def _session(settings: Settings, stop: Stop, sender: Sender, *, once: bool) -> None:
    with postgres.connect(settings, autocommit=True) as conn:
        _require_live_and_alone(conn, once=once)
        with topics.follow(settings, [STRAVA_ACTIVITIES.topic], group=GROUP) as consumer:
            log.info("ready")
            _loop(conn, consumer, sender, stop, sign(settings.alive_file), once=once)


def _require_live_and_alone(conn: psycopg.Connection, *, once: bool) -> None:
    if not outbox.is_live(conn):
        raise NotReady("Not live yet: the first load has not ended. python scripts/ETL_Full_Load/pipeline.py does it.")
    if not outbox.only_notifier(conn):
        reason = "Another notifier is sending from this outbox. Stop it first: a message goes out once."
        raise AlreadyRunning(reason) if once else NotReady(reason)


def _loop(
    conn: psycopg.Connection,
    consumer: KafkaConsumer,
    sender: Sender,
    stop: Stop,
    well: Callable[[], None],
    *,
    once: bool,
) -> None:
    ends = topics.reachable(consumer)
    checked = time.monotonic()
    while not stop.is_set():
        well()
        wait = sender.send_one(conn)
        if once and wait is None and all(consumer.position(partition) >= end for partition, end in ends.items()):
            return
        polled = consumer.poll(timeout_ms=round(1000 * min(LONGEST_POLL, LONGEST_POLL if wait is None else wait)))
        if polled:
            take_in(conn, polled)
            consumer.commit()
        elif time.monotonic() - checked > STILL_THERE_EVERY:
            topics.reachable(consumer)
            conn.execute("SELECT")
            checked = time.monotonic()


def take_in(conn: psycopg.Connection, polled: Mapping[Any, Sequence[ConsumerRecord]]) -> None:
    """Put in the outbox what these messages make owed. The offsets are committed afterwards, never before."""
    decoded = ((record, _change(record)) for records in polled.values() for record in records)
    read = [(record, change) for record, change in decoded if change is not None]
    for activity_id in _owe(conn, read):
        log.info("message owed", activity_id=activity_id)


def _change(record: ConsumerRecord) -> Change | None:
    try:
        return changes.read(record.value)
    except (ValueError, KeyError, TypeError, AttributeError, OverflowError) as error:
        _skip(record, error)
        return None


def _owe(conn: psycopg.Connection, read: Sequence[tuple[ConsumerRecord, Change]]) -> list[int]:
    """Take all at once; where one does not fit its table, one by one, so that only that one is left out."""
    try:
        return outbox.owe(conn, [change for _, change in read]) if read else []
    except outbox.UNFIT as error:
        if len(read) > 1:
            return [activity_id for one in read for activity_id in _owe(conn, [one])]
        _skip(read[0][0], error)
        return []


def _skip(record: ConsumerRecord, error: Exception) -> None:
    log.warning(
        "message skipped: it cannot be read",
        topic=record.topic,
        partition=record.partition,
        offset=record.offset,
        error=type(error).__name__,
    )
