"""Whether what Postgres holds has reached Bronze: Postgres -> Kafka by a mark, Kafka -> Bronze by positions."""

from uuid import uuid4

from kafka.errors import KafkaError

from lakehouse.contracts import CAPTURED
from lakehouse.errors import LakehouseError
from lakehouse.serving.client import query
from lakehouse.settings import Settings
from lakehouse.source import topics
from lakehouse.source.postgres import connect
from lakehouse.waiting import wait_until

SIGNALS = topics.topic_of("cdc.signal")
PATIENCE = 300  # seconds


def wait_for_bronze(settings: Settings) -> None:
    """Wait until every change committed before this call is in Bronze."""
    mark_kafka(settings)
    wait_until(lambda: bronze_has_everything(settings), timeout=PATIENCE, missing="Bronze to have all of Kafka")


def mark_kafka(settings: Settings) -> None:
    """Write a mark into Postgres and wait until it comes out of Kafka: all that was committed before came before it.

    The mark is a signal of type `log`, which asks nothing of Debezium.
    """
    mark = f"mark:{uuid4()}".encode()
    consumer = topics.follow(settings, [SIGNALS])
    try:
        consumer.seek_to_end()
        topics.reachable(consumer)
        for partition in consumer.assignment():
            consumer.position(partition)
        with connect(settings) as connection:
            connection.execute("INSERT INTO cdc.signal VALUES (%s, 'log', '{\"message\": \"mark\"}')", [mark.decode()])
        wait_until(
            lambda: any(mark in (record.value or b"") for page in consumer.poll(200).values() for record in page),
            timeout=PATIENCE,
            missing="a mark written into Postgres to come out of Kafka; see .local/logs/connect.log",
        )
        with connect(settings) as connection:
            connection.execute("DELETE FROM cdc.signal WHERE id = %s", [mark.decode()])
    finally:
        consumer.close(autocommit=False)


def bronze_has_everything(settings: Settings) -> bool:
    """Tell whether every Bronze table has its topic's last message, as the Thrift server sees it."""
    try:
        ends = _ends(settings)
        return all(_last(settings, contract.table) == ends[contract.topic] - 1 for contract in CAPTURED)
    except (KafkaError, LakehouseError):
        return False


def _ends(settings: Settings) -> dict[str, int]:
    consumer = topics.follow(settings, [contract.topic for contract in CAPTURED])
    try:
        return {partition.topic: end for partition, end in topics.reachable(consumer).items()}
    finally:
        consumer.close(autocommit=False)


def _last(settings: Settings, table: str) -> int:
    """Give the last offset in a Bronze table, of its topic's last incarnation; -1 in an empty one."""
    path = f"{settings.lake}/bronze/{table}"
    found = query(settings, f"SELECT max_by(`offset`, struct(incarnation, `offset`)) FROM delta.`{path}`")  # noqa: S608 - our own path
    offset = found.rows[0][0]
    return -1 if offset is None else int(offset)
