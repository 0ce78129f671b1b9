"""The identity of the source: Postgres's system identifier and timeline, each topic's id and earliest offsets."""

from collections.abc import Iterable, Mapping
from contextlib import suppress
from functools import partial

from kafka import KafkaConsumer, TopicPartition
from kafka.errors import KafkaError

from lakehouse.cdc.contract import Contract
from lakehouse.cdc.source_identity import Source, Topic, ensure_not_rewound, ensure_same_system
from lakehouse.cdc.source_timeline import ensure_same_timeline
from lakehouse.cdc.table_store import TableStore
from lakehouse.errors import NotReady
from lakehouse.retries import wait_until
from lakehouse.settings import Settings
from lakehouse.source import topics
from lakehouse.source.lake_marks import advance_mark
from lakehouse.source.postgres import (
    Connection,
    current_timeline,
    current_wal_lsn,
    short_connection,
    system_identifier,
)

FETCH_TIMEOUT_S = 30.0
# An end offset below Bronze's is believed once it has stayed there this long; Spark's Kafka source retries as long.
LOW_END_OFFSET_GRACE_S = 3.0


def read_source_identity(settings: Settings, contracts: Iterable[Contract]) -> Source:
    """Return the identity of Postgres and of the contracts' topics at the addresses of the settings.

    Raises NotReady where Postgres or Kafka does not answer, or a topic does not exist yet.
    """
    with short_connection(settings) as conn:
        system, timeline = str(system_identifier(conn)), current_timeline(conn)
    names = [contract.topic for contract in contracts]
    ids, earliest_offsets = _read_topic_ids(settings, names), _read_earliest_offsets(settings, names)
    return Source(
        system,
        {
            name: Topic(name, ids[name], earliest_offsets[name], partial(_timestamps_at, settings, name))
            for name in names
        },
        timeline,
    )


def ensure_same_postgres(settings: Settings, store: TableStore, contracts: Iterable[Contract]) -> None:
    """Raise SourceMismatch where a Bronze table was read from another Postgres than that of the settings."""
    with short_connection(settings) as conn:
        ensure_same_postgres_as_conn(conn, store, contracts)


def ensure_same_postgres_as_conn(conn: Connection, store: TableStore, contracts: Iterable[Contract]) -> None:
    """Do what `ensure_same_postgres` does, on an open connection."""
    system = str(system_identifier(conn))
    for contract in contracts:
        ensure_same_system(store, system, contract)


def ensure_source_not_rewound(settings: Settings, store: TableStore, contracts: Iterable[Contract]) -> None:
    """Raise SourceMismatch where this Postgres is older than what was read from it; else renew the lake's mark.

    It is older where its WAL ends before Bronze's last LSN, or where it lacks the lake's last mark. Another timeline
    is taken for older too.
    """
    with short_connection(settings) as conn:
        ensure_conn_not_rewound(conn, store, contracts)


def ensure_conn_not_rewound(conn: Connection, store: TableStore, contracts: Iterable[Contract]) -> None:
    """Do what `ensure_source_not_rewound` does, on an open connection in autocommit mode."""
    timeline = current_timeline(conn)
    for contract in contracts:
        ensure_not_rewound(store, partial(current_wal_lsn, conn), contract)
        ensure_same_timeline(store, timeline, contract)
    advance_mark(conn, store)


def _read_topic_ids(settings: Settings, names: list[str]) -> dict[str, str]:
    admin = topics.admin_client(settings)
    try:
        described = admin.describe_topics(names)
    except KafkaError as error:
        raise NotReady(
            f"Kafka does not describe its topics ({type(error).__name__}). "
            "python scripts/Jobs_Spark/register_connector.py creates them."
        ) from error
    finally:
        admin.close()
    for topic in described:
        if topic.get("error_code") or not topic["partitions"]:
            raise NotReady(
                f"Kafka has no topic {topic['name']} yet. python scripts/Jobs_Spark/register_connector.py creates it."
            )
    return {str(topic["name"]): str(topic["topic_id"]) for topic in described}


def _read_earliest_offsets(settings: Settings, names: list[str]) -> dict[str, dict[int, int]]:
    with topics.consumer_session(settings, names) as consumer:
        beginning_offsets = consumer.beginning_offsets(list(consumer.assignment()))
    earliest_offsets: dict[str, dict[int, int]] = {name: {} for name in names}
    for partition, offset in beginning_offsets.items():
        earliest_offsets[partition.topic][partition.partition] = offset
    return earliest_offsets


def _timestamps_at(settings: Settings, name: str, offsets: Mapping[int, int]) -> dict[int, int | None]:
    """Return the timestamp in ms of the message at the given offset of each partition, None where there is none.

    Raises NotReady while the broker does not answer. A restarted Kafka reports no end offset before it has recovered
    its log (KIP-207); another broker may report a lower one for a moment.
    """
    timestamps: dict[int, int | None] = dict.fromkeys(offsets)
    requested = {TopicPartition(name, number): offset for number, offset in offsets.items()}
    with topics.consumer_session(settings, [name]) as consumer:

        def reaches_all() -> bool:
            ends = topics.end_offsets(consumer)
            return all(offset < ends[partition] for partition, offset in requested.items())

        with suppress(NotReady):
            wait_until(reaches_all, timeout=LOW_END_OFFSET_GRACE_S, missing="the topic to reach Bronze's last offset")
        ends = topics.end_offsets(consumer)
        for partition, offset in requested.items():
            if offset < ends[partition]:
                timestamps[partition.partition] = _timestamp_at(consumer, partition, offset)
    return timestamps


def _timestamp_at(consumer: KafkaConsumer, partition: TopicPartition, offset: int) -> int | None:
    consumer.assign([partition])
    consumer.seek(partition, offset)
    [[record]] = wait_until(
        lambda: [*consumer.poll(1_000, max_records=1).values()],
        timeout=FETCH_TIMEOUT_S,
        missing=f"Kafka to send the message at offset {offset} of {partition.topic}, partition {partition.partition}",
    )
    timestamp: int = record.timestamp
    return timestamp if record.offset == offset else None
