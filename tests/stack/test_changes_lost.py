"""Changes that were lost on their way are noticed, and one command brings the lake back to what Postgres holds."""

from collections.abc import Iterator

import pytest
from kafka import TopicPartition
from pyspark.sql import functions as F

from lakehouse.cdc.source import claim
from lakehouse.errors import WrongSource
from lakehouse.source import topics
from lakehouse.source.connector import Connect
from lakehouse.source.identity import identify
from lakehouse.waiting import wait_until
from spark.messages import SHOES
from stack.compare import differences
from stack.lab import Bench, Lab

TABLE = """
    CREATE TABLE shoes (id int PRIMARY KEY, size int, note text, price numeric(12,2));
    INSERT INTO shoes SELECT n, n, 'first', n FROM generate_series(1, 9) n
"""
# A deleted row, a refused one, one under a new key, and a new one: nobody tells of them.
UNTOLD = (
    "DELETE FROM shoes WHERE id < 4",
    "UPDATE shoes SET size = -1 WHERE id = 5",
    "UPDATE shoes SET id = 10 WHERE id = 6",
    "INSERT INTO shoes VALUES (11, 11, 'untold', 1)",
)
TOO_LARGE = f"UPDATE shoes SET note = repeat('x', {topics.LARGEST_MESSAGE}) WHERE id = 1"  # noqa: S608 - a constant
AS_POSTGRES_BUT_FOR_WHAT_IS_REFUSED = ["5: size"]


@pytest.fixture
def bench(lab: Lab) -> Bench:
    bench = lab([SHOES], TABLE)
    bench.start()
    bench.refresh()
    return bench


@pytest.fixture
def connector(bench: Bench) -> Iterator[Connect]:
    with bench.connector() as connector:
        yield connector


def untold(bench: Bench, connector: Connect) -> None:
    """Change the table while nobody reads its changes, which nobody ever will."""
    connector.stop()
    wait_until(lambda: not bench.streams(), timeout=60, missing="the connector to leave its slot")
    bench.execute(f"SELECT pg_drop_replication_slot('{bench.name}')", *UNTOLD)


def test_a_lost_slot_is_noticed_and_what_was_lost_with_it_comes_back(bench: Bench, connector: Connect) -> None:
    untold(bench, connector)
    connector.resume()
    wait_until(lambda: (state := connector.state()) and state.gap, timeout=60, missing="the connector to notice")
    bench.read_anew()
    bench.refresh()
    assert differences(bench, bench.contracts[0]) == AS_POSTGRES_BUT_FOR_WHAT_IS_REFUSED


@pytest.mark.long
def test_a_table_that_was_emptied_untold_is_empty(bench: Bench, connector: Connect) -> None:
    untold(bench, connector)
    bench.execute("DELETE FROM shoes")
    bench.read_anew()
    bench.refresh()
    assert differences(bench, bench.contracts[0]) == []
    assert bench.lake.silver(bench.contracts[0]).count() == 0


@pytest.mark.long
def test_a_topic_made_anew_is_read_on_as_another_one(bench: Bench, connector: Connect) -> None:
    [shoes] = bench.contracts
    bench.stop()
    bench.execute(*UNTOLD)
    connector.stop()
    wait_until(lambda: not bench.streams(), timeout=60, missing="the connector to leave its slot")
    admin = topics.admin(bench.settings)
    try:
        admin.delete_topics([shoes.topic])
        wait_until(lambda: shoes.topic not in admin.list_topics(), timeout=60, missing="the topic to go")
        topics.create_missing(admin, topics.topics(bench.config))
    finally:
        admin.close()
    with pytest.raises(WrongSource, match="deleted and made again"):
        claim(bench.lake.catalog, identify(bench.settings, bench.contracts), shoes)
    bench.read_anew()
    bench.start()
    bench.refresh()
    assert differences(bench, shoes) == AS_POSTGRES_BUT_FOR_WHAT_IS_REFUSED
    assert {lane.incarnation for lane in bench.lake.catalog.taken_in(shoes)} == {0, 1}


@pytest.mark.long
def test_what_kafka_forgot_before_it_was_read_comes_back(bench: Bench) -> None:
    [shoes] = bench.contracts
    bench.stop()
    [(lane, taken_in)] = bench.lake.catalog.taken_in(shoes).items()
    bench.execute(*UNTOLD)
    partition = TopicPartition(shoes.topic, lane.partition)
    consumer, admin = topics.follow(bench.settings, [shoes.topic]), topics.admin(bench.settings)
    try:
        end = taken_in + 1 + 7  # three deletes, an update, a delete and an insert for the key, an insert
        wait_until(lambda: topics.reachable(consumer)[partition] == end, timeout=60, missing="the changes in Kafka")
        admin.delete_records({partition: end})
    finally:
        consumer.close(autocommit=False)
        admin.close()
    with pytest.raises(WrongSource, match=f"no longer has the offsets {taken_in + 1} to {end - 1}"):
        claim(bench.lake.catalog, identify(bench.settings, bench.contracts), shoes)
    bench.read_anew()
    bench.start()
    bench.refresh()
    assert differences(bench, shoes) == AS_POSTGRES_BUT_FOR_WHAT_IS_REFUSED


@pytest.mark.long
def test_what_was_written_over_a_lost_end_of_kafkas_log_comes_back(bench: Bench) -> None:
    """Bronze is given what Kafka is to have lost, so that no broker has to be broken."""
    [shoes] = bench.contracts
    bench.stop()
    held = bench.lake.read("bronze", "shoes").where("offset < 5")
    lost = held.withColumns(
        {"offset": F.col("offset") + 9, "kafka_timestamp": F.expr("kafka_timestamp - INTERVAL 1 HOUR")}
    )
    bench.lake.append(lost, "bronze", "shoes")
    with pytest.raises(WrongSource, match="partition 0 does not have the message at offset 13"):
        claim(bench.lake.catalog, identify(bench.settings, bench.contracts), shoes)
    bench.execute(*UNTOLD)
    with topics.following(bench.settings, [shoes.topic]) as consumer:
        wait_until(lambda: max(topics.reachable(consumer).values()) > 13, timeout=60, missing="the changes in Kafka")
    with pytest.raises(WrongSource, match="partition 0 does not have the message at offset 13"):
        claim(bench.lake.catalog, identify(bench.settings, bench.contracts), shoes)
    bench.read_anew()
    bench.flow()
    bench.refresh()
    assert differences(bench, shoes) == AS_POSTGRES_BUT_FOR_WHAT_IS_REFUSED
    assert {lane.incarnation for lane in bench.lake.catalog.taken_in(shoes)} == {0, 1}


@pytest.mark.long
def test_a_change_that_kafka_does_not_take_is_named_and_passed_over_once_its_row_is_smaller(
    bench: Bench, connector: Connect
) -> None:
    bench.execute(TOO_LARGE, *UNTOLD[1:])
    wait_until(lambda: (state := connector.state()) and state.too_large, timeout=120, missing="the connector to fail")
    bench.execute("UPDATE shoes SET note = 'small' WHERE id = 1")
    bench.read_anew()
    bench.refresh()
    assert differences(bench, bench.contracts[0]) == AS_POSTGRES_BUT_FOR_WHAT_IS_REFUSED
