"""Who the source is: Postgres's system identifier, and the id and partitions of each captured topic."""

from collections.abc import Iterable

from kafka.errors import KafkaError

from lakehouse.cdc.contract import Contract
from lakehouse.cdc.source import Source, Topic
from lakehouse.errors import NotReady
from lakehouse.settings import Settings
from lakehouse.source import topics
from lakehouse.source.postgres import connect, system_identifier


def identify(settings: Settings, contracts: Iterable[Contract]) -> Source:
    """Give the source behind these addresses. NotReady while Postgres, Kafka or a topic is not there."""
    with connect(settings) as conn:
        system = str(system_identifier(conn))
    admin = topics.admin(settings)
    try:
        described = admin.describe_topics([contract.topic for contract in contracts])
    except KafkaError as error:
        raise NotReady(
            f"Kafka does not tell about its topics ({type(error).__name__}). "
            "scripts/Jobs_Spark/register_connector.py makes them."
        ) from error
    finally:
        admin.close()
    found = [_topic(one) for one in described]
    return Source(system, {topic.name: topic for topic in found})


def _topic(described: dict[str, object]) -> Topic:
    partitions = described["partitions"]
    if described.get("error_code") or not isinstance(partitions, list) or not partitions:
        raise NotReady(
            f"Kafka has no topic {described['name']} yet. scripts/Jobs_Spark/register_connector.py makes it."
        )
    return Topic(str(described["name"]), str(described["topic_id"]), len(partitions))
