"""Which source a lake belongs to: Postgres's system identifier and each topic's id, kept with the Bronze table."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from lakehouse.cdc.catalog import Catalog
from lakehouse.cdc.contract import Contract
from lakehouse.cdc.gaps import find_gaps
from lakehouse.cdc.offsets import Gap, Offsets, TopicPartition
from lakehouse.errors import NotReady, SourceMismatch

SYSTEM_IDENTIFIER_PROPERTY = "cdc.systemIdentifier"
TOPIC_ID_PROPERTY = "cdc.topicId."  # and the incarnation
LOSS_ACKNOWLEDGED_BEFORE = (
    "cdc.lostBefore."  # and incarnation, partition: what came before this offset is gone, and its rows read anew
)
REWOUND_BEFORE = (
    "cdc.olderThan"  # a place in Postgres's log that one restored from a backup, known and read anew, may be behind
)
MAX_GAPS_IN_MESSAGE = 5  # gaps in a message
REMEDIES = (
    "Either start the source that this lake was fed from, or name another folder in LAKE_URI, "
    "or drop the lake and read everything anew (make reset; with compose: down -v and rm -rf data/delta/*)."
)

RESNAPSHOT_HINT = "python scripts/Jobs_Spark/resnapshot.py reads every table anew and goes on from there."


@dataclass(frozen=True)
class Topic:
    """A topic as Kafka knows it: its id, another one when it is deleted and made again, and what it still holds."""

    name: str
    topic_id: str
    earliest_offsets: Mapping[int, int]  # partition -> first offset that is there
    # partition -> offset, to partition -> when the message there was produced, in ms; None where there is none
    timestamps: Callable[[Mapping[int, int]], Mapping[int, int | None]]


@dataclass(frozen=True)
class Source:
    """What the changes come from: one Postgres, and a topic for each captured table."""

    system_identifier: str
    topics: Mapping[str, Topic]


@dataclass(frozen=True)
class StartingOffsets:
    """Where Bronze goes on reading a topic: its incarnation, and the next offset of each partition.

    `gaps` are offsets before these that Bronze lacks and the topic still has.
    """

    incarnation: int
    by_partition: Mapping[int, int]
    gaps: Sequence[Gap] = ()


def create_bronze_tables(catalog: Catalog, source: Source, *contracts: Contract) -> None:
    """Make the Bronze tables for this source; raise WrongSource for a lake of another Postgres (law 9)."""
    for contract in contracts:
        topic = source.topics[contract.topic]
        catalog.create_bronze(
            contract, {SYSTEM_IDENTIFIER_PROPERTY: source.system_identifier, f"{TOPIC_ID_PROPERTY}0": topic.topic_id}
        )
        ensure_same_system(catalog, source.system_identifier, contract)


def resolve_starting_offsets(catalog: Catalog, source: Source, contract: Contract) -> StartingOffsets:
    """Return where to go on, once it is certain that Bronze was read from this topic, and what is to be read again.

    Raises WrongSource, with its remedy, for a topic that was made anew and for one that no longer has what Bronze
    lacks: what was not read yet, or a gap in what was. It raises it too where Kafka lost the end of a topic's log,
    and gives its offsets to other messages.
    """
    create_bronze_tables(catalog, source, contract)
    topic, properties = source.topics[contract.topic], catalog.properties("bronze", contract.table)
    incarnation = _incarnation_by_topic_id(properties).get(topic.topic_id)
    if incarnation is None:
        raise SourceMismatch(
            f"topic {topic.name} is not the one that bronze/{contract.table} was read from: "
            f"it was deleted and made again. {RESNAPSHOT_HINT}"
        )
    bronze_offsets = catalog.bronze_offsets(contract)
    for number in _truncated_partitions(catalog, contract, topic, incarnation, bronze_offsets):
        raise SourceMismatch(
            f"topic {topic.name}, partition {number} does not have the message at offset "
            f"{bronze_offsets[TopicPartition(incarnation, number)]}, which is the last one of bronze/{contract.table}: Kafka lost the "
            f"end of its log, and gives these offsets to other messages. {RESNAPSHOT_HINT}"
        )
    next_offsets = _next_offsets(topic, incarnation, bronze_offsets, properties)
    for number, first in topic.earliest_offsets.items():
        if first > next_offsets[number]:
            raise SourceMismatch(
                f"topic {topic.name}, partition {number} no longer has the offsets {next_offsets[number]} to {first - 1}, "
                f"which bronze/{contract.table} has not read. {RESNAPSHOT_HINT}"
            )
    gaps = tuple(bronze_gaps(catalog, contract))
    if unfillable := _unfillable_gaps(topic, incarnation, gaps):
        raise SourceMismatch(
            f"bronze/{contract.table} lacks what it once took in ({_format_gaps(unfillable)}), and topic {topic.name} does not "
            f"have it any more. {RESNAPSHOT_HINT}"
        )
    return StartingOffsets(incarnation, next_offsets, gaps)


def bronze_gaps(catalog: Catalog, contract: Contract) -> Sequence[Gap]:
    """Return the offsets that the Bronze table lacks before its last ones, without those whose loss was accepted."""
    properties = catalog.properties("bronze", contract.table)
    return find_gaps(catalog, contract.table, _acknowledged_offsets(properties))


def acknowledge_data_loss(
    catalog: Catalog, source: Source, contract: Contract, current_wal_lsn: Callable[[], int]
) -> None:
    """Go on with what is there, since all its rows are being read anew: a topic with a gap, an older Postgres."""
    topic, properties = source.topics[contract.topic], catalog.properties("bronze", contract.table)
    incarnations = _incarnation_by_topic_id(properties)
    incarnation, bronze_offsets = incarnations.get(topic.topic_id), catalog.bronze_offsets(contract)
    if incarnation is None or _truncated_partitions(catalog, contract, topic, incarnation, bronze_offsets):
        # Its offsets name other messages from here on: it is read from its beginning, as another topic is.
        incarnation = max(incarnations.values()) + 1
    next_offsets = _next_offsets(topic, incarnation, bronze_offsets, properties)
    unfillable = _unfillable_gaps(topic, incarnation, bronze_gaps(catalog, contract))
    first_kept = {gap.topic_partition: gap.last + 1 for gap in unfillable}
    first_kept |= {
        TopicPartition(incarnation, number): first
        for number, first in topic.earliest_offsets.items()
        if first > next_offsets[number]
    }
    new_properties = {
        f"{LOSS_ACKNOWLEDGED_BEFORE}{topic_partition.incarnation}.{topic_partition.partition}": str(first)
        for topic_partition, first in first_kept.items()
    }
    if (max_lsn := catalog.max_lsn(contract)) > current_wal_lsn():
        new_properties[REWOUND_BEFORE] = str(max_lsn)
    if incarnation not in incarnations.values():
        new_properties[f"{TOPIC_ID_PROPERTY}{incarnation}"] = topic.topic_id
    if new_properties:
        catalog.set_properties("bronze", contract.table, new_properties)


def ensure_resnapshot_is_ordered(
    catalog: Catalog, source: Source, current_wal_lsn: Callable[[], int], contract: Contract
) -> None:
    """Raise WrongSource where nothing tells that what would be read anew came after what Bronze holds.

    Within a topic its offsets tell it, in another one Postgres's log: of an older Postgres they are both no help.
    """
    topic, properties = source.topics[contract.topic], catalog.properties("bronze", contract.table)
    incarnation, bronze_offsets = (
        _incarnation_by_topic_id(properties).get(topic.topic_id),
        catalog.bronze_offsets(contract),
    )
    is_new_incarnation = incarnation is None or _truncated_partitions(
        catalog, contract, topic, incarnation, bronze_offsets
    )
    if is_new_incarnation and catalog.max_lsn(contract) > current_wal_lsn():
        raise SourceMismatch(
            f"Postgres is older than bronze/{contract.table} and topic {topic.name} is another one: "
            f"what is read now cannot be told from what was lost. {REMEDIES}"
        )


def ensure_same_system(catalog: Catalog, system_identifier: str, contract: Contract) -> None:
    """Raise WrongSource where the Bronze table was read from another Postgres."""
    if not catalog.exists("bronze", contract.table):
        raise NotReady(f"bronze/{contract.table} is not there yet; the stream processor makes it. Start it: make up")
    known_identifier = catalog.properties("bronze", contract.table).get(SYSTEM_IDENTIFIER_PROPERTY)
    if known_identifier != system_identifier:
        raise SourceMismatch(
            f"bronze/{contract.table} belongs to the Postgres with system identifier {known_identifier}, "
            f"and the one at this address has {system_identifier}. {REMEDIES}"
        )


def ensure_not_rewound(catalog: Catalog, current_wal_lsn: Callable[[], int], contract: Contract) -> None:
    """Raise WrongSource where Postgres's log ends before what Bronze holds of it: an older Postgres was restored."""
    max_lsn = catalog.max_lsn(contract)
    acknowledged_lsn = int(catalog.properties("bronze", contract.table).get(REWOUND_BEFORE, 0))
    if max_lsn > acknowledged_lsn and max_lsn > (end := current_wal_lsn()):
        raise SourceMismatch(
            f"Postgres is older than bronze/{contract.table}, which has read its log up to {max_lsn}; it ends at {end}. "
            f"A backup was restored, and what was committed after it is gone. {RESNAPSHOT_HINT}"
        )


def _incarnation_by_topic_id(properties: Mapping[str, str]) -> dict[str, int]:
    """Return each topic's incarnation by its id: its last one, where its log was truncated."""
    numbers = {
        int(name.removeprefix(TOPIC_ID_PROPERTY)): value
        for name, value in properties.items()
        if name.startswith(TOPIC_ID_PROPERTY)
    }
    return {numbers[number]: number for number in sorted(numbers)}


def _truncated_partitions(
    catalog: Catalog, contract: Contract, topic: Topic, incarnation: int, bronze_offsets: Offsets
) -> Sequence[int]:
    """Return the partitions in which Kafka does not have the message that Bronze holds last.

    It is recognised by when it was produced. Bronze was read before Kafka is asked, so that a flow that runs
    meanwhile makes no difference. A message that the topic has forgotten from its beginning is not looked for.
    """
    last = {lane.partition: end for lane, end in bronze_offsets.items() if lane.incarnation == incarnation}
    last = {number: end for number, end in last.items() if end >= topic.earliest_offsets.get(number, end + 1)}
    if not last:
        return []
    in_bronze, in_topic = catalog.kafka_timestamps(contract, incarnation, last), topic.timestamps(last)
    return [number for number in last if in_topic[number] is None or in_bronze[number] not in {None, in_topic[number]}]


def _next_offsets(
    topic: Topic, incarnation: int, bronze_offsets: Offsets, properties: Mapping[str, str]
) -> dict[int, int]:
    """Give the offset that is to be read next of each partition."""
    return {
        number: max(
            bronze_offsets.get(TopicPartition(incarnation, number), -1) + 1,
            int(properties.get(f"{LOSS_ACKNOWLEDGED_BEFORE}{incarnation}.{number}", 0)),
        )
        for number in topic.earliest_offsets
    }


def _acknowledged_offsets(properties: Mapping[str, str]) -> dict[TopicPartition, int]:
    """Return the offset of each lane before which a loss was accepted."""
    first_kept = {
        name.removeprefix(LOSS_ACKNOWLEDGED_BEFORE): int(first)
        for name, first in properties.items()
        if name.startswith(LOSS_ACKNOWLEDGED_BEFORE)
    }
    return {TopicPartition(*map(int, name.split("."))): first for name, first in first_kept.items()}


def _unfillable_gaps(topic: Topic, incarnation: int, gaps: Iterable[Gap]) -> list[Gap]:
    """Return the gaps that the topic cannot fill: it begins behind them, or is another one than they were read from."""
    return [
        gap
        for gap in gaps
        if gap.topic_partition.incarnation != incarnation
        or gap.first < topic.earliest_offsets.get(gap.topic_partition.partition, gap.last + 1)
    ]


def _format_gaps(gaps: Sequence[Gap]) -> str:
    more = f" and {len(gaps) - MAX_GAPS_IN_MESSAGE} more" if len(gaps) > MAX_GAPS_IN_MESSAGE else ""
    return "; ".join(map(str, gaps[:MAX_GAPS_IN_MESSAGE])) + more
