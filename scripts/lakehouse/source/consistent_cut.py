"""A consistent cut: offsets of each topic up to which Bronze holds every change committed before a given moment."""

import json
import time
from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from uuid import uuid4

from lakehouse.cdc import table_stats
from lakehouse.cdc.contract import Contract
from lakehouse.cdc.offsets import Offsets, TopicPartition, has_reached, lag
from lakehouse.cdc.source_identity import resolve_starting_offsets
from lakehouse.cdc.table_store import TableStore
from lakehouse.retries import wait_until
from lakehouse.settings import Settings
from lakehouse.source import topics
from lakehouse.source.postgres import short_connection
from lakehouse.source.source_check import read_source_identity
from lakehouse.spark.parallel import parallel_map

ConsistentCut = Mapping[str, Offsets]


def cut_to_json(cut: ConsistentCut) -> str:
    """Return a cut as JSON: {table: {"incarnation/partition": last offset}}."""
    return json.dumps(
        {
            table: {f"{place.incarnation}/{place.partition}": offset for place, offset in offsets.items()}
            for table, offsets in cut.items()
        }
    )


def cut_from_json(text: str) -> ConsistentCut:
    """Return the cut that `cut_to_json` wrote."""
    return {
        table: {TopicPartition(*map(int, place.split("/"))): offset for place, offset in offsets.items()}
        for table, offsets in json.loads(text).items()
    }


def choose_cut(settings: Settings, store: TableStore, contracts: Sequence[Contract], timeout: float) -> ConsistentCut:
    """Return the cut of now once Bronze has reached it; with a timeout of 0, what Bronze has without any wait."""
    if timeout:
        return wait_for_consistent_cut(settings, store, contracts, timeout)
    return bronze_cut(store, contracts)


def bronze_cut(store: TableStore, contracts: Iterable[Contract]) -> ConsistentCut:
    """Return the last offsets in Bronze now, by table."""
    return {contract.table: table_stats.bronze_offsets(store, contract) for contract in contracts}


def wait_for_consistent_cut(
    settings: Settings, store: TableStore, contracts: Iterable[Contract], timeout: float
) -> ConsistentCut:
    """Wait until Bronze holds every change committed before this call, and return its offsets, by table.

    A watermark row is written to Postgres and awaited in Kafka: earlier commits arrive before it (law 6).
    Raises NotReady after `timeout` seconds, and SourceMismatch where a topic was recreated or has lost messages.
    """
    captured = list(contracts)
    source = read_source_identity(settings, captured)
    # Each table's check opens a consumer, which mostly waits: one by one they took 0.9 s, in threads 0.45 s.
    starts = parallel_map(partial(resolve_starting_offsets, store, source), captured)
    incarnations = {contract.table: start.incarnation for contract, start in zip(captured, starts, strict=True)}
    deadline = time.monotonic() + timeout
    _round_trip_watermark(settings, topics.topic_name("cdc.signal", captured[0].topic_prefix), timeout)
    target_offsets = _end_offsets(settings, captured, incarnations)

    def has_caught_up() -> bool:
        return all(
            has_reached(table_stats.bronze_offsets(store, contract), target_offsets[contract.table])
            for contract in captured
        )

    def missing() -> str:
        lags = {
            contract.table: lag(table_stats.bronze_offsets(store, contract), target_offsets[contract.table])
            for contract in captured
        }
        lagging = ", ".join(f"{table} ({count} changes)" for table, count in lags.items() if count)
        return f"Bronze to append {lagging}. Does the stream processor run? `make status`, `make logs`"

    wait_until(has_caught_up, timeout=max(0.0, deadline - time.monotonic()), missing=missing)
    return bronze_cut(store, captured)


def _round_trip_watermark(settings: Settings, signal_topic: str, timeout: float) -> None:
    """Write a watermark row to Postgres and wait until it arrives in Kafka.

    The row is a Debezium signal of type `log`, which only writes a log line.
    """
    watermark = f"mark:{uuid4()}".encode()
    with topics.consumer_session(settings, [signal_topic]) as consumer:
        consumer.seek_to_end()
        topics.end_offsets(consumer)
        for partition in consumer.assignment():
            consumer.position(partition)
        with short_connection(settings) as conn:
            conn.execute("INSERT INTO cdc.signal VALUES (%s, 'log', '{\"message\": \"mark\"}')", [watermark.decode()])
        wait_until(
            lambda: any(watermark in (record.value or b"") for page in consumer.poll(50).values() for record in page),
            timeout=timeout,
            missing="a watermark written to Postgres to arrive in Kafka. Does the connector run? `make status`",
        )
        with short_connection(settings) as conn:
            conn.execute("DELETE FROM cdc.signal WHERE id = %s", [watermark.decode()])


def _end_offsets(settings: Settings, contracts: list[Contract], incarnations: Mapping[str, int]) -> ConsistentCut:
    """Return the last offsets of each topic, in the incarnation that Bronze reads, without empty partitions."""
    with topics.consumer_session(settings, [contract.topic for contract in contracts]) as consumer:
        ends = topics.end_offsets(consumer)
    return {
        contract.table: {
            TopicPartition(incarnations[contract.table], partition.partition): end - 1
            for partition, end in ends.items()
            if partition.topic == contract.topic and end > 0
        }
        for contract in contracts
    }
