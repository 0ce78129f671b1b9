"""The topics that the connector writes, and the Kafka clients that read them outside Spark."""

import json
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from kafka import KafkaAdminClient, KafkaConsumer, TopicPartition
from kafka.errors import KafkaError, TopicAlreadyExistsError

from lakehouse.contracts.company import START_COMMANDS, TOPIC_PREFIX
from lakehouse.errors import NotReady
from lakehouse.kafka_login import client_config, needs_login
from lakehouse.settings import ROOT, Settings

CONNECTOR_FILE = ROOT / "debezium" / "rh_sport.json"
# Room for a row with a large payload; the producer's max.request.size is the same.
MAX_MESSAGE_BYTES = 16 * 1024 * 1024
DAY_MS = 24 * 3600 * 1000
WEEK_MS = 7 * DAY_MS

TopicConfigs = Mapping[str, Mapping[str, str]]


def read_connector_config() -> dict[str, str]:
    """Return the connector's configuration in the repository, which has no addresses or credentials."""
    config: dict[str, str] = json.loads(CONNECTOR_FILE.read_text(encoding="utf-8"))
    return config


def captured_tables(connector: Mapping[str, str]) -> list[str]:
    """Return the tables that a connector configuration captures, as schema.table."""
    return [name.strip() for name in connector["table.include.list"].split(",") if name.strip()]


def required_topics(connector: Mapping[str, str]) -> TopicConfigs:
    """Return each topic that the connector needs, with its configuration.

    Changes never expire, because a lost lake is rebuilt from them. Heartbeats expire after a day. Notifications expire
    after a week, in which the connector's controller has to read them.
    """
    prefix = connector["topic.prefix"]
    required = {f"{prefix}.{table}": -1 for table in captured_tables(connector)}
    required |= {f"{prefix}.cdc.heartbeat": DAY_MS, f"__debezium-heartbeat.{prefix}": DAY_MS}
    required[notification_topic(connector)] = WEEK_MS
    return {name: _topic_config(retention_ms) for name, retention_ms in required.items()}


def create_missing_topics(admin: KafkaAdminClient, required: TopicConfigs) -> list[str]:
    """Create the missing topics, with one partition each, and return their names.

    Existing topics are neither altered nor deleted.
    """
    existing = set(admin.list_topics())
    missing = {
        name: {"num_partitions": 1, "replication_factor": 1, "configs": dict(configs)}
        for name, configs in required.items()
        if name not in existing
    }
    if missing:
        try:
            admin.create_topics(missing, wait_for_metadata=True)
        except TopicAlreadyExistsError:  # another process was quicker; the next call creates the rest
            return []
    return sorted(missing)


def admin_client(settings: Settings) -> KafkaAdminClient:
    """Return a Kafka admin client. Raises NotReady where Kafka does not answer."""
    return _connect_or_not_ready(settings, lambda: KafkaAdminClient(**_client_config(settings)))


def open_consumer(settings: Settings, names: Iterable[str], *, group: str | None = None) -> KafkaConsumer:
    """Return a consumer of all partitions of the named topics, at the group's committed offsets or the beginning.

    Partitions are assigned, not subscribed to: a restart does not wait for the group to expel a killed member.
    Raises NotReady where Kafka does not answer or a topic does not exist.
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
    """Yield a consumer of the named topics, as `open_consumer` returns it, and close it.

    Raises NotReady where Kafka does not answer, or goes away inside the block.
    """
    try:
        with open_consumer(settings, names) as consumer:
            yield consumer
    except KafkaError as error:
        raise NotReady(
            f"Kafka went away ({type(error).__name__}). Start it ({START_COMMANDS}), and try again."
        ) from error


def end_offsets(consumer: KafkaConsumer) -> dict[TopicPartition, int]:
    """Return the end offsets of the assigned partitions.

    Raises KafkaError in an outage, which an empty poll would not reveal.
    """
    ends: dict[TopicPartition, int] = consumer.end_offsets(list(consumer.assignment()), timeout_ms=5_000)
    return ends


def notification_topic(connector: Mapping[str, str]) -> str:
    """Return the topic to which a connector writes how its snapshots go on."""
    return connector["notification.sink.topic.name"]


def topic_name(table: str, prefix: str = TOPIC_PREFIX) -> str:
    """Return the topic of a captured table named schema.table."""
    return f"{prefix}.{table}"


def _topic_config(retention_ms: int) -> dict[str, str]:
    return {
        "cleanup.policy": "delete",
        "retention.ms": str(retention_ms),
        "retention.bytes": "-1",
        "max.message.bytes": str(MAX_MESSAGE_BYTES),
    }


def _client_config(settings: Settings) -> dict[str, Any]:
    return {**client_config(settings), "bootstrap_timeout_ms": 5_000}


def _partitions(consumer: KafkaConsumer, name: str) -> set[int]:
    numbers: set[int] = consumer.partitions_for_topic(name)
    if not numbers:
        raise NotReady(f"Kafka has no topic {name} yet. python scripts/Jobs_Spark/register_connector.py creates it.")
    return numbers


def _connect_or_not_ready(settings: Settings, connect: Any) -> Any:
    try:
        return connect()
    except KafkaError as error:
        # A client of Python tries again and again where its password is wrong.
        account = f" the account {settings.kafka_user}" if needs_login(settings) else ""
        raise NotReady(
            f"Kafka does not answer{account} at {settings.kafka_bootstrap_servers} ({type(error).__name__}). "
            f"Start it ({START_COMMANDS}), or set KAFKA_BOOTSTRAP_SERVERS."
        ) from error
