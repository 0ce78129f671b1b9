"""Changes lost between Postgres and Bronze are detected, and a resnapshot makes the lake equal to Postgres again."""

import pytest
from kafka import TopicPartition
from pyspark.sql import functions as F

from lakehouse.cdc import table_stats
from lakehouse.cdc.source_identity import resolve_starting_offsets
from lakehouse.errors import SourceMismatch
from lakehouse.retries import wait_until
from lakehouse.source import topics
from lakehouse.source.connect_client import ConnectClient
from lakehouse.source.source_check import read_source_identity
from spark.messages import SHOES
from stack.cdc_harness import CdcHarness, HarnessFactory
from stack.silver_diff import differences
from support.timing import seconds

TABLE = """
    CREATE TABLE shoes (id int PRIMARY KEY, size int, note text, price numeric(12,2));
    INSERT INTO shoes SELECT n, n, 'first', n FROM generate_series(1, 9) n
"""
# Deletes, a refused row, a key change and an insert, for which no change event is read.
LOST_CHANGES = (
    "DELETE FROM shoes WHERE id < 4",
    "UPDATE shoes SET size = -1 WHERE id = 5",
    "UPDATE shoes SET id = 10 WHERE id = 6",
    "INSERT INTO shoes VALUES (11, 11, 'untold', 1)",
)
TOO_LARGE = f"UPDATE shoes SET note = repeat('x', {topics.MAX_MESSAGE_BYTES}) WHERE id = 1"  # noqa: S608 - a constant
ONLY_THE_REFUSED_ROW_DIFFERS = ["5: size"]


@pytest.fixture
def harness(make_harness: HarnessFactory) -> CdcHarness:
    harness = make_harness([SHOES], TABLE)
    harness.start()
    harness.merge_silver()
    return harness


def lose_changes(harness: CdcHarness, connector: ConnectClient) -> None:
    """Change the table while no slot keeps its changes."""
    connector.stop()
    wait_until(lambda: not harness.is_streaming(), timeout=seconds(60), missing="the connector to leave its slot")
    harness.execute(f"SELECT pg_drop_replication_slot('{harness.name}')", *LOST_CHANGES)


def test_lost_replication_slot_is_detected_and_resnapshot_restores_the_rows(
    harness: CdcHarness, connector: ConnectClient
) -> None:
    lose_changes(harness, connector)
    connector.resume()
    wait_until(
        lambda: (state := connector.state()) and state.slot_lost, timeout=seconds(60), missing="the connector to notice"
    )
    harness.resnapshot()
    harness.merge_silver()
    assert differences(harness, harness.contracts[0]) == ONLY_THE_REFUSED_ROW_DIFFERS


@pytest.mark.long
def test_table_emptied_without_events_is_empty_after_a_resnapshot(
    harness: CdcHarness, connector: ConnectClient
) -> None:
    lose_changes(harness, connector)
    harness.execute("DELETE FROM shoes")
    harness.resnapshot()
    harness.merge_silver()
    assert differences(harness, harness.contracts[0]) == []
    assert harness.lake.silver(harness.contracts[0]).count() == 0


@pytest.mark.long
def test_recreated_topic_is_read_as_a_new_incarnation_after_a_resnapshot(
    harness: CdcHarness, connector: ConnectClient
) -> None:
    [shoes] = harness.contracts
    harness.stop_streams()
    harness.execute(*LOST_CHANGES)
    connector.stop()
    wait_until(lambda: not harness.is_streaming(), timeout=seconds(60), missing="the connector to leave its slot")
    admin = topics.admin_client(harness.settings)
    try:
        admin.delete_topics([shoes.topic])
        wait_until(lambda: shoes.topic not in admin.list_topics(), timeout=seconds(60), missing="the topic to go")
        topics.create_missing_topics(admin, topics.required_topics(harness.config))
    finally:
        admin.close()
    with pytest.raises(SourceMismatch, match="deleted and made again"):
        resolve_starting_offsets(harness.lake.store, read_source_identity(harness.settings, harness.contracts), shoes)
    harness.resnapshot()
    harness.start()
    harness.merge_silver()
    assert differences(harness, shoes) == ONLY_THE_REFUSED_ROW_DIFFERS
    assert {partition.incarnation for partition in table_stats.bronze_offsets(harness.lake.store, shoes)} == {0, 1}


@pytest.mark.long
def test_offsets_deleted_before_they_were_read_are_restored_by_a_resnapshot(harness: CdcHarness) -> None:
    [shoes] = harness.contracts
    harness.stop_streams()
    [(bronze_partition, last_offset)] = table_stats.bronze_offsets(harness.lake.store, shoes).items()
    harness.execute(*LOST_CHANGES)
    partition = TopicPartition(shoes.topic, bronze_partition.partition)
    consumer, admin = topics.open_consumer(harness.settings, [shoes.topic]), topics.admin_client(harness.settings)
    try:
        end = last_offset + 1 + 7  # three deletes, an update, a delete and an insert for the key, an insert
        wait_until(
            lambda: topics.end_offsets(consumer)[partition] == end, timeout=seconds(60), missing="the changes in Kafka"
        )
        admin.delete_records({partition: end})
    finally:
        consumer.close(autocommit=False)
        admin.close()
    with pytest.raises(SourceMismatch, match=f"no longer has the offsets {last_offset + 1} to {end - 1}"):
        resolve_starting_offsets(harness.lake.store, read_source_identity(harness.settings, harness.contracts), shoes)
    harness.resnapshot()
    harness.start()
    harness.merge_silver()
    assert differences(harness, shoes) == ONLY_THE_REFUSED_ROW_DIFFERS


@pytest.mark.long
def test_truncated_kafka_log_end_is_detected_and_restored_by_a_resnapshot(harness: CdcHarness) -> None:
    """Bronze is given rows that Kafka does not have, which looks as if Kafka had lost them."""
    [shoes] = harness.contracts
    harness.stop_streams()
    stored = harness.lake.read("bronze", "shoes").where("offset < 5")
    lost = stored.withColumns(
        {"offset": F.col("offset") + 9, "kafka_timestamp": F.expr("kafka_timestamp - INTERVAL 1 HOUR")}
    )
    harness.lake.append(lost, "bronze", "shoes")
    with pytest.raises(SourceMismatch, match="partition 0 does not have the message at offset 13"):
        resolve_starting_offsets(harness.lake.store, read_source_identity(harness.settings, harness.contracts), shoes)
    harness.execute(*LOST_CHANGES)
    with topics.consumer_session(harness.settings, [shoes.topic]) as consumer:
        wait_until(
            lambda: max(topics.end_offsets(consumer).values()) > 13, timeout=seconds(60), missing="the changes in Kafka"
        )
    with pytest.raises(SourceMismatch, match="partition 0 does not have the message at offset 13"):
        resolve_starting_offsets(harness.lake.store, read_source_identity(harness.settings, harness.contracts), shoes)
    harness.resnapshot()
    harness.start_streams()
    harness.merge_silver()
    assert differences(harness, shoes) == ONLY_THE_REFUSED_ROW_DIFFERS
    assert {partition.incarnation for partition in table_stats.bronze_offsets(harness.lake.store, shoes)} == {0, 1}


@pytest.mark.long
def test_message_too_large_for_kafka_is_skipped_once_the_row_is_smaller(
    harness: CdcHarness, connector: ConnectClient
) -> None:
    harness.execute(TOO_LARGE, *LOST_CHANGES[1:])
    wait_until(
        lambda: (state := connector.state()) and state.message_too_large,
        timeout=seconds(120),
        missing="the connector to fail",
    )
    harness.execute("UPDATE shoes SET note = 'small' WHERE id = 1")
    harness.resnapshot()
    harness.merge_silver()
    assert differences(harness, harness.contracts[0]) == ONLY_THE_REFUSED_ROW_DIFFERS
