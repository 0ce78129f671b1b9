"""The topics that the connector writes to, and those who read them beside Spark."""

import json
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from kafka import KafkaAdminClient, KafkaConsumer, TopicPartition
from kafka.errors import KafkaError, TopicAlreadyExistsError

from lakehouse.cdc.contract import TOPIC_PREFIX
from lakehouse.errors import NotReady
from lakehouse.settings import ROOT, Settings

CONNECTOR_FILE = ROOT / "debezium" / "rh_sport.json"
# A row with a large payload; the producer's max.request.size is the same.
MAX_MESSAGE_BYTES = 16 * 1024 * 1024
DAY_MS = 24 * 3600 * 1000

TopicConfigs = Mapping[str, Mapping[str, str]]


def read_connector_config() -> dict[str, str]:
    """Give the connector as the repository states it, without addresses."""
    config: dict[str, str] = json.loads(CONNECTOR_FILE.read_text(encoding="utf-8"))
    return config


def captured_tables(connector: Mapping[str, str]) -> list[str]:
    """Give the captured tables, as schema.table."""
    return [name.strip() for name in connector["table.include.list"].split(",") if name.strip()]


def required_topics(connector: Mapping[str, str]) -> TopicConfigs:
    """Give each topic that the connector needs, with its configuration.

    Changes are kept for ever: a lost lake is rebuilt from them. A heartbeat is news for a day.
    """
    prefix = connector["topic.prefix"]
    wanted = {f"{prefix}.{table}": -1 for table in captured_tables(connector)}
    wanted |= {f"{prefix}.cdc.heartbeat": DAY_MS, f"__debezium-heartbeat.{prefix}": DAY_MS}
    return {name: _topic_config(retention_ms) for name, retention_ms in wanted.items()}


def create_missing_topics(admin: KafkaAdminClient, wanted: TopicConfigs) -> list[str]:
    """Make the topics that are not there, one partition each, and give their names; none is ever altered or deleted."""
    existing = set(admin.list_topics())
    missing = {
        name: {"num_partitions": 1, "replication_factor": 1, "configs": dict(configs)}
        for name, configs in wanted.items()
        if name not in existing
    }
    if missing:
        try:
            admin.create_topics(missing, wait_for_metadata=True)
        except TopicAlreadyExistsError:  # somebody else was quicker; the next look makes the rest
            return []
    return sorted(missing)


def admin_client(settings: Settings) -> KafkaAdminClient:
    """Give Kafka's administration client, or raise NotReady."""
    return _connect_or_not_ready(settings, lambda: KafkaAdminClient(**_client_config(settings)))


def open_consumer(settings: Settings, names: Iterable[str], *, group: str | None = None) -> KafkaConsumer:
    """Give a consumer of all partitions of the named topics, from where its group stopped, else from the beginning.

    Partitions are assigned, not negotiated: offsets are kept under the group's name, but a restart
    need not wait until the group has given up a killed member. NotReady when a topic is missing.
    """
    consumer = _connect_or_not_ready(
        settings,
        lambda: KafkaConsumer(
            **_client_config(settings),
            group_id=group,
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            allow_auto_create_topics=False,
            max_partition_fetch_bytes=MAX_MESSAGE_BYTES + 1024 * 1024,
            reconnect_backoff_max_ms=2_000,
        ),
    )
    try:
        consumer.assign([TopicPartition(name, number) for name in names for number in _partitions(consumer, name)])
    except BaseException:
        consumer.close(autocommit=False)
        raise
    return consumer


@contextmanager
def consumer_session(settings: Settings, names: Iterable[str]) -> Iterator[KafkaConsumer]:
    """Give a consumer of the named topics, as `follow` does, and close it; NotReady where Kafka goes away meanwhile."""
    try:
        with open_consumer(settings, names) as consumer:
            yield consumer
    except KafkaError as error:
        raise NotReady(f"Kafka went away ({type(error).__name__}). Start it (`make up`), and try again.") from error


def end_offsets(consumer: KafkaConsumer) -> dict[TopicPartition, int]:
    """Give the assigned partitions' ends, or raise a KafkaError: an idle poll does not tell an outage from silence."""
    ends: dict[TopicPartition, int] = consumer.end_offsets(list(consumer.assignment()), timeout_ms=5_000)
    return ends


def topic_name(table: str, prefix: str = TOPIC_PREFIX) -> str:
    """Give the topic of a captured table named schema.table."""
    return f"{prefix}.{table}"


def _topic_config(retention_ms: int) -> dict[str, str]:
    return {
        "cleanup.policy": "delete",
        "retention.ms": str(retention_ms),
        "retention.bytes": "-1",
        "max.message.bytes": str(MAX_MESSAGE_BYTES),
    }


def _client_config(settings: Settings) -> dict[str, Any]:
    return {"bootstrap_servers": settings.kafka_bootstrap_servers, "bootstrap_timeout_ms": 5_000}


def _partitions(consumer: KafkaConsumer, name: str) -> set[int]:
    numbers: set[int] = consumer.partitions_for_topic(name)
    if not numbers:
        raise NotReady(f"Kafka has no topic {name} yet. scripts/Jobs_Spark/register_connector.py makes it.")
    return numbers


def _connect_or_not_ready(settings: Settings, connect: Any) -> Any:
    try:
        return connect()
    except KafkaError as error:
        raise NotReady(
            f"Kafka does not answer at {settings.kafka_bootstrap_servers} ({type(error).__name__}). "
            "Start it (`make up`), or set KAFKA_BOOTSTRAP_SERVERS."
        ) from error
