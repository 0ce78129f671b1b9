"""A message that cannot be processed is skipped by its offset, which the consumer group leaves behind."""

from collections.abc import Iterator
from functools import partial
from typing import Any
from uuid import uuid4

import pytest
from kafka import KafkaProducer, TopicPartition

from lakehouse.kafka_login import client_config
from lakehouse.retries import wait_until
from lakehouse.settings import Settings
from lakehouse.slack import notifier
from lakehouse.source import postgres, topics
from stack.activity_events import activity_event, numbered_event, poll_result, statuses
from stack.service_thread import run_service
from support.timing import seconds

DEPTH = 50_000


def nested(field: str, depth: int) -> bytes:
    """Return a change event with a value nested this deeply in `after`."""
    fields: dict[str, Any] = {field: "NESTED"}
    deep = b"[" * depth + b"]" * depth
    return activity_event(activity_id=9, **fields).replace(b'"NESTED"', deep)


POISON = [
    nested("name", DEPTH),
    nested("raw_payload", DEPTH),
    activity_event(activity_id=9, raw_payload="[" * DEPTH + "]" * DEPTH),
    activity_event(activity_id=9, raw_payload='{"a":' * DEPTH + "0" + "}" * DEPTH),
    b"[" * DEPTH,
    # Near Python's limit: some can be read and not written again, some not in the frames that are deeper.
    *(nested("distance_m", depth) for depth in range(900, 1_001, 10)),
]


@pytest.fixture
def topic(settings: Settings) -> Iterator[str]:
    """Yield a new topic of one partition."""
    name = f"poison_{uuid4().hex}"
    admin = topics.admin_client(settings)
    topics.create_missing_topics(admin, {name: {}})
    yield name
    admin.delete_topics([name])
    admin.close()


def test_deeply_nested_messages_are_skipped_and_the_group_leaves_their_offsets_behind(
    live_conn: postgres.Connection, database: Settings, topic: str
) -> None:
    producer = KafkaProducer(**client_config(database))
    for value in (numbered_event(1), *POISON, numbered_event(2)):
        producer.send(topic, value)
    producer.close()
    partition = TopicPartition(topic, 0)

    def is_read() -> bool:
        with topics.open_consumer(database, [topic], group=notifier.CONSUMER_GROUP) as consumer:
            committed: int | None = consumer.committed(partition)
            return committed == len(POISON) + 2

    with run_service(
        partial(notifier.serve, topic=topic), database.model_copy(update={"slack_webhook_url": None})
    ) as logs:
        wait_until(is_read, timeout=seconds(60), missing="the group to commit the end of the topic")
    assert statuses(live_conn) == {1: "pending", 2: "pending"}
    skipped = [line["offset"] for line in logs if line["event"] == "unreadable_event_skipped"]
    assert sorted(skipped) == [*range(1, len(POISON) + 1)]
    assert not [line for line in logs if line["event"] == "retrying"]


def test_outage_of_postgres_skips_no_message(live_conn: postgres.Connection, database: Settings) -> None:
    with postgres.connect(database, autocommit=True) as other:
        other.execute("SELECT pg_terminate_backend(%s)", [live_conn.info.backend_pid])
        with pytest.raises(postgres.TRANSIENT_ERRORS):
            notifier.enqueue_from_topic(live_conn, poll_result([numbered_event(1), POISON[2]]))
        notifier.enqueue_from_topic(other, poll_result([numbered_event(1), POISON[2]]))
        assert statuses(other) == {1: "pending"}
