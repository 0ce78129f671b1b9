"""A cut of the log: everything committed in Postgres so far, taken in by Bronze, and where each topic then ends."""

import time
from collections.abc import Iterable, Mapping
from uuid import uuid4

from lakehouse.cdc.catalog import Catalog
from lakehouse.cdc.contract import Contract
from lakehouse.cdc.positions import Lane, Positions, behind, reached
from lakehouse.cdc.source import claim
from lakehouse.settings import Settings
from lakehouse.source import topics
from lakehouse.source.identity import identify
from lakehouse.source.postgres import at
from lakehouse.waiting import wait_until

Cut = Mapping[str, Positions]


def current(catalog: Catalog, contracts: Iterable[Contract]) -> Cut:
    """Give where Bronze stands now, by table."""
    return {contract.table: catalog.taken_in(contract) for contract in contracts}


def of_everything(settings: Settings, catalog: Catalog, contracts: Iterable[Contract], patience: float) -> Cut:
    """Give a cut that holds every change committed before this call, once Bronze has them; NotReady after `patience`.

    WrongSource where Bronze cannot have them, because a topic was made anew or lost some. A mark goes through
    Postgres into Kafka: what was committed before it came out before it (law 6).
    """
    captured = list(contracts)
    source = identify(settings, captured)
    incarnations = {one.table: claim(catalog, source, one).incarnation for one in captured}
    deadline = time.monotonic() + patience
    _send_mark_through(settings, topics.topic_of("cdc.signal", captured[0].prefix), patience)
    goals = _ends(settings, captured, incarnations)

    def taken_in() -> bool:
        return all(reached(catalog.taken_in(contract), goals[contract.table]) for contract in captured)

    def missing() -> str:
        counts = {one.table: behind(catalog.taken_in(one), goals[one.table]) for one in captured}
        late = ", ".join(f"{table} ({count} changes)" for table, count in counts.items() if count)
        return f"Bronze to take in {late}. Does the stream processor run? `make status`, `make logs`"

    wait_until(taken_in, timeout=max(0.0, deadline - time.monotonic()), missing=missing)
    return current(catalog, captured)


def _send_mark_through(settings: Settings, signals: str, patience: float) -> None:
    """Write a mark into Postgres and wait until it comes out of Kafka.

    The mark is a signal of type `log`, which asks nothing of Debezium.
    """
    mark = f"mark:{uuid4()}".encode()
    with topics.following(settings, [signals]) as consumer:
        consumer.seek_to_end()
        topics.reachable(consumer)
        for partition in consumer.assignment():
            consumer.position(partition)
        with at(settings) as conn:
            conn.execute("INSERT INTO cdc.signal VALUES (%s, 'log', '{\"message\": \"mark\"}')", [mark.decode()])
        wait_until(
            lambda: any(mark in (record.value or b"") for page in consumer.poll(50).values() for record in page),
            timeout=patience,
            missing="a mark written into Postgres to come out of Kafka. Does the connector run? `make status`",
        )
        with at(settings) as conn:
            conn.execute("DELETE FROM cdc.signal WHERE id = %s", [mark.decode()])


def _ends(settings: Settings, contracts: list[Contract], incarnations: Mapping[str, int]) -> Cut:
    """Give the last offset of each topic, in the incarnation that Bronze reads; an empty partition has none."""
    with topics.following(settings, [contract.topic for contract in contracts]) as consumer:
        ends = topics.reachable(consumer)
    return {
        contract.table: {
            Lane(incarnations[contract.table], partition.partition): end - 1
            for partition, end in ends.items()
            if partition.topic == contract.topic and end > 0
        }
        for contract in contracts
    }
