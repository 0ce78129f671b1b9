"""Identity of a lake's source: Postgres's system identifier and each topic's id, stored with the Bronze table."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from lakehouse.cdc import table_query, table_stats
from lakehouse.cdc.acknowledged_gaps import acknowledged_gaps, first_not_acknowledged, to_properties
from lakehouse.cdc.contract import Contract
from lakehouse.cdc.gaps import AcknowledgedGaps
from lakehouse.cdc.offset_check import bronze_irregularities
from lakehouse.cdc.offsets import Gap, Offsets, TopicPartition
from lakehouse.cdc.source_timeline import TIMELINE_PROPERTY
from lakehouse.cdc.table_store import TableStore
from lakehouse.errors import NotReady, SourceMismatch

SYSTEM_IDENTIFIER_PROPERTY = "cdc.systemIdentifier"
TOPIC_ID_PROPERTY = "cdc.topicId."  # followed by the incarnation
# An LSN that Postgres may be behind, since it was restored from a backup and a resnapshot has read all rows again.
REWOUND_BEFORE = "cdc.rewoundBefore"


@dataclass(frozen=True)
class Topic:
    """A topic as Kafka has it. A topic that was deleted and created again has another id."""

    name: str
    topic_id: str
    earliest_offsets: Mapping[int, int]  # partition -> first offset that it still has
    # From {partition: offset} to {partition: Kafka timestamp in ms of the message there, None where there is none}.
    timestamps: Callable[[Mapping[int, int]], Mapping[int, int | None]]


@dataclass(frozen=True)
class Source:
    """The source of the changes: one Postgres, and a topic for each captured table."""

    system_identifier: str
    topics: Mapping[str, Topic]
    timeline: int = 1


@dataclass(frozen=True)
class StartingOffsets:
    """Where Bronze continues to read a topic: its incarnation, and the next offset of each partition.

    `gaps` are earlier offsets that Bronze lacks and the topic still has. What it has no more, and what Bronze has more
    than once, stops nobody from reading on: offset_check reports it until it is mended.
    """

    incarnation: int
    by_partition: Mapping[int, int]
    gaps: Sequence[Gap] = ()


def create_bronze_tables(store: TableStore, source: Source, *contracts: Contract) -> None:
    """Create the Bronze tables for this source.

    Raises SourceMismatch where one belongs to another Postgres (ARCHITECTURE.md, law 9).
    """
    for contract in contracts:
        topic = source.topics[contract.topic]
        properties = {
            SYSTEM_IDENTIFIER_PROPERTY: source.system_identifier,
            TIMELINE_PROPERTY: str(source.timeline),
            f"{TOPIC_ID_PROPERTY}0": topic.topic_id,
        }
        store.create_bronze(contract, properties)
        ensure_same_system(store, source.system_identifier, contract)


def resolve_starting_offsets(store: TableStore, source: Source, contract: Contract) -> StartingOffsets:
    """Return where to continue reading a topic, after checking that Bronze was read from this very topic.

    Raises SourceMismatch, with its remedy, where the topic was deleted and created again. Raises it where the topic no
    longer has messages that Bronze has not read. Raises it where Kafka lost the end of the topic's log, and reuses its
    offsets for other messages.
    """
    create_bronze_tables(store, source, contract)
    topic, properties = source.topics[contract.topic], store.properties("bronze", contract.table)
    incarnation = _incarnation_by_topic_id(properties).get(topic.topic_id)
    if incarnation is None:
        raise SourceMismatch(
            f"topic {topic.name} is not the one that bronze/{contract.table} was read from: "
            f"it was deleted and made again. {contract.hints.resnapshot}"
        )
    bronze_offsets = table_stats.bronze_offsets(store, contract)
    for partition in _truncated_partitions(store, contract, topic, incarnation, bronze_offsets):
        raise SourceMismatch(
            f"topic {topic.name}, partition {partition} does not have the message at offset "
            f"{bronze_offsets[TopicPartition(incarnation, partition)]}, which is the last one of "
            f"bronze/{contract.table}: Kafka lost the end of its log, and reuses these offsets for other messages. "
            f"{contract.hints.resnapshot}"
        )
    next_offsets = _next_offsets(topic, incarnation, bronze_offsets, acknowledged_gaps(properties))
    for partition, earliest in topic.earliest_offsets.items():
        if earliest > next_offsets[partition]:
            raise SourceMismatch(
                f"topic {topic.name}, partition {partition} no longer has the offsets {next_offsets[partition]} to "
                f"{earliest - 1}, which bronze/{contract.table} has not read. {contract.hints.resnapshot}"
            )
    gaps = bronze_gaps(store, contract)
    return StartingOffsets(incarnation, next_offsets, tuple(_fillable_gaps(topic, incarnation, gaps)))


def bronze_gaps(store: TableStore, contract: Contract) -> Sequence[Gap]:
    """Return the gaps of the Bronze table by its files' statistics, without those whose loss was acknowledged.

    Offsets after the last one are no gap: a stream reads them next.
    """
    return bronze_irregularities(store, contract).gaps


def ends_of_earlier_incarnations(store: TableStore, contract: Contract, incarnation: int) -> Offsets:
    """Return the last offsets that Silver has merged of topics which no stream reads any more."""
    if not store.exists("silver", f"{contract.table}_versions"):
        return {}
    merged = table_stats.silver_offsets(store, contract)
    return {
        topic_partition: end for topic_partition, end in merged.items() if topic_partition.incarnation < incarnation
    }


def acknowledge_data_loss(
    store: TableStore, source: Source, contract: Contract, current_wal_lsn: Callable[[], int]
) -> None:
    """Record that lost messages, another topic, timeline or an older Postgres are acknowledged: streams continue.

    Correct only where a resnapshot reads all rows again.
    """
    topic, properties = source.topics[contract.topic], store.properties("bronze", contract.table)
    incarnations = _incarnation_by_topic_id(properties)
    incarnation, bronze_offsets = incarnations.get(topic.topic_id), table_stats.bronze_offsets(store, contract)
    if incarnation is None or _truncated_partitions(store, contract, topic, incarnation, bronze_offsets):
        # Its offsets now belong to other messages: it becomes a new incarnation, read from its beginning.
        incarnation = max(incarnations.values()) + 1
    acknowledged = acknowledged_gaps(properties)
    next_offsets = _next_offsets(topic, incarnation, bronze_offsets, acknowledged)
    gaps = bronze_irregularities(store, contract, at_least=ends_of_earlier_incarnations(store, contract, incarnation))
    fillable = _fillable_gaps(topic, incarnation, gaps.gaps)
    lost = [gap for gap in gaps.gaps if gap not in fillable]
    lost += [
        Gap(TopicPartition(incarnation, partition), next_offsets[partition], earliest - 1)
        for partition, earliest in topic.earliest_offsets.items()
        if earliest > next_offsets[partition]
    ]
    new_properties = to_properties(acknowledged, lost)
    if (max_lsn := table_stats.max_lsn(store, contract)) > current_wal_lsn():
        new_properties[REWOUND_BEFORE] = str(max_lsn)
    if properties.get(TIMELINE_PROPERTY) != str(source.timeline):
        new_properties[TIMELINE_PROPERTY] = str(source.timeline)
    if incarnation not in incarnations.values():
        new_properties[f"{TOPIC_ID_PROPERTY}{incarnation}"] = topic.topic_id
    if new_properties:
        store.set_properties("bronze", contract.table, new_properties)


def ensure_resnapshot_is_ordered(
    store: TableStore, source: Source, current_wal_lsn: Callable[[], int], contract: Contract
) -> None:
    """Raise SourceMismatch where a resnapshot could not be ordered after the changes in Bronze.

    Within a topic the offsets order it, in a new topic the LSNs do. A new topic of an older Postgres has neither.
    """
    topic, properties = source.topics[contract.topic], store.properties("bronze", contract.table)
    incarnation = _incarnation_by_topic_id(properties).get(topic.topic_id)
    bronze_offsets = table_stats.bronze_offsets(store, contract)
    is_new_incarnation = incarnation is None or _truncated_partitions(
        store, contract, topic, incarnation, bronze_offsets
    )
    if is_new_incarnation and table_stats.max_lsn(store, contract) > current_wal_lsn():
        raise SourceMismatch(
            f"Postgres is older than bronze/{contract.table}, and topic {topic.name} is another one: "
            f"what is read now cannot be ordered after what was lost. {contract.hints.other_source}"
        )


def ensure_same_system(store: TableStore, system_identifier: str, contract: Contract) -> None:
    """Raise SourceMismatch where the Bronze table was read from another Postgres, NotReady where there is none."""
    if not store.exists("bronze", contract.table):
        raise NotReady(
            f"bronze/{contract.table} does not exist yet; the stream processor creates it. "
            f"{contract.hints.start_stream}"
        )
    known_identifier = store.properties("bronze", contract.table).get(SYSTEM_IDENTIFIER_PROPERTY)
    if known_identifier != system_identifier:
        raise SourceMismatch(
            f"bronze/{contract.table} belongs to the Postgres with system identifier {known_identifier}, "
            f"and the one at this address has {system_identifier}. {contract.hints.other_source}"
        )


def ensure_not_rewound(store: TableStore, current_wal_lsn: Callable[[], int], contract: Contract) -> None:
    """Raise SourceMismatch where Postgres's WAL ends before an LSN in Bronze: a backup was restored."""
    max_lsn = table_stats.max_lsn(store, contract)
    acknowledged_lsn = int(store.properties("bronze", contract.table).get(REWOUND_BEFORE, 0))
    if max_lsn > acknowledged_lsn and max_lsn > (wal_lsn := current_wal_lsn()):
        raise SourceMismatch(
            f"Postgres is older than bronze/{contract.table}, which has read its log up to {max_lsn}; it ends at "
            f"{wal_lsn}. A backup was restored, and what was committed after it is gone. {contract.hints.resnapshot}"
        )


def _incarnation_by_topic_id(properties: Mapping[str, str]) -> dict[str, int]:
    """Return each topic id's incarnation: its last one, where a truncated log gave a topic several."""
    topic_ids = {
        int(name.removeprefix(TOPIC_ID_PROPERTY)): topic_id
        for name, topic_id in properties.items()
        if name.startswith(TOPIC_ID_PROPERTY)
    }
    return {topic_ids[incarnation]: incarnation for incarnation in sorted(topic_ids)}


def _truncated_partitions(
    store: TableStore, contract: Contract, topic: Topic, incarnation: int, bronze_offsets: Offsets
) -> Sequence[int]:
    """Return the partitions in which Kafka does not have Bronze's last message any more.

    A message is recognised by its Kafka timestamp. Bronze's offsets are read before Kafka's messages, so that a running
    stream makes no difference. Messages that Kafka's retention removed from the beginning are not looked for.
    """
    last_offsets = {
        topic_partition.partition: offset
        for topic_partition, offset in bronze_offsets.items()
        if topic_partition.incarnation == incarnation
        and offset >= topic.earliest_offsets.get(topic_partition.partition, offset + 1)
    }
    if not last_offsets:
        return []
    in_bronze = table_query.kafka_timestamps(store, contract, incarnation, last_offsets)
    in_topic = topic.timestamps(last_offsets)
    return [
        partition
        for partition in last_offsets
        if in_topic[partition] is None or in_bronze[partition] not in {None, in_topic[partition]}
    ]


def _next_offsets(
    topic: Topic, incarnation: int, bronze_offsets: Offsets, acknowledged: AcknowledgedGaps
) -> dict[int, int]:
    """Return the next offset to read of each partition."""
    return {
        partition: first_not_acknowledged(
            bronze_offsets.get(TopicPartition(incarnation, partition), -1) + 1,
            acknowledged.get(TopicPartition(incarnation, partition), ()),
        )
        for partition in topic.earliest_offsets
    }


def _fillable_gaps(topic: Topic, incarnation: int, gaps: Iterable[Gap]) -> list[Gap]:
    """Return the gaps whose messages the topic still has: all of them, and of this incarnation."""
    return [
        gap
        for gap in gaps
        if gap.topic_partition.incarnation == incarnation
        and gap.first >= topic.earliest_offsets.get(gap.topic_partition.partition, gap.last + 1)
    ]
