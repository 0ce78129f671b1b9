"""Who the source is: Postgres's system identifier, and the id of each captured topic and where it begins."""

from collections.abc import Iterable, Mapping
from contextlib import suppress
from functools import partial

from kafka import KafkaConsumer, TopicPartition
from kafka.errors import KafkaError

from lakehouse.cdc.catalog import Catalog
from lakehouse.cdc.contract import Contract
from lakehouse.cdc.source import Source, Topic, check_age
from lakehouse.errors import NotReady
from lakehouse.settings import Settings
from lakehouse.source import topics
from lakehouse.source.postgres import at, system_identifier, wal_end
from lakehouse.waiting import wait_until

FETCH_TIMEOUT = 30.0  # seconds
# Seconds that an end which lies too low has to stay there to be believed; Spark's source asks as long.
LOWER_END_FOR = 3.0


def identify(settings: Settings, contracts: Iterable[Contract]) -> Source:
    """Give the source behind these addresses. NotReady while Postgres, Kafka or a topic is not there."""
    with at(settings) as conn:
        system = str(system_identifier(conn))
    names = [contract.topic for contract in contracts]
    ids, begins = _ids(settings, names), _begins(settings, names)
    return Source(
        system, {name: Topic(name, ids[name], begins[name], partial(_timestamps, settings, name)) for name in names}
    )


def require_no_older(settings: Settings, catalog: Catalog, contracts: Iterable[Contract]) -> None:
    """Raise WrongSource where the Postgres at this address is older than what Bronze has read from it."""
    with at(settings) as conn:
        for contract in contracts:
            check_age(catalog, partial(wal_end, conn), contract)


def _ids(settings: Settings, names: list[str]) -> dict[str, str]:
    admin = topics.admin(settings)
    try:
        described = admin.describe_topics(names)
    except KafkaError as error:
        raise NotReady(
            f"Kafka does not tell about its topics ({type(error).__name__}). "
            "scripts/Jobs_Spark/register_connector.py makes them."
        ) from error
    finally:
        admin.close()
    for one in described:
        if one.get("error_code") or not one["partitions"]:
            raise NotReady(f"Kafka has no topic {one['name']} yet. scripts/Jobs_Spark/register_connector.py makes it.")
    return {str(one["name"]): str(one["topic_id"]) for one in described}


def _begins(settings: Settings, names: list[str]) -> dict[str, dict[int, int]]:
    with topics.following(settings, names) as consumer:
        first = consumer.beginning_offsets(list(consumer.assignment()))
    begins: dict[str, dict[int, int]] = {name: {} for name in names}
    for partition, offset in first.items():
        begins[partition.topic][partition.partition] = offset
    return begins


def _timestamps(settings: Settings, name: str, offsets: Mapping[int, int]) -> dict[int, int | None]:
    """Return when the message at an offset of each partition was produced, in ms; None where the topic has none there.

    NotReady while the broker does not answer. One of Kafka's that comes back tells no end before it has its log again
    (KIP-207); of another kind it may be lower for a moment.
    """
    found: dict[int, int | None] = dict.fromkeys(offsets)
    wanted = {TopicPartition(name, number): offset for number, offset in offsets.items()}
    with topics.following(settings, [name]) as consumer:

        def reach() -> bool:
            ends = topics.reachable(consumer)
            return all(offset < ends[partition] for partition, offset in wanted.items())

        with suppress(NotReady):
            wait_until(reach, timeout=LOWER_END_FOR, missing="the topic to reach as far as Bronze")
        ends = topics.reachable(consumer)
        for partition, offset in wanted.items():
            if offset < ends[partition]:
                found[partition.partition] = _timestamp(consumer, partition, offset)
    return found


def _timestamp(consumer: KafkaConsumer, partition: TopicPartition, offset: int) -> int | None:
    consumer.assign([partition])
    consumer.seek(partition, offset)
    [[record]] = wait_until(
        lambda: [*consumer.poll(1_000, max_records=1).values()],
        timeout=FETCH_TIMEOUT,
        missing=f"Kafka to send the message at offset {offset} of {partition.topic}, partition {partition.partition}",
    )
    timestamp: int = record.timestamp
    return timestamp if record.offset == offset else None
