"""Which source a lake belongs to: Postgres's system identifier and each topic's id, kept with the Bronze table."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from lakehouse.cdc.catalog import Catalog
from lakehouse.cdc.contract import Contract
from lakehouse.cdc.gaps import find_gaps
from lakehouse.cdc.positions import Gap, Lane, Positions
from lakehouse.errors import NotReady, WrongSource

SYSTEM = "cdc.systemIdentifier"
TOPIC = "cdc.topicId."  # and the incarnation
LOST = "cdc.lostBefore."  # and incarnation, partition: what came before this offset is gone, and its rows read anew
OLDER = "cdc.olderThan"  # a place in Postgres's log that one restored from a backup, known and read anew, may be behind
NAMED = 5  # gaps in a message
REMEDIES = (
    "Either start the source that this lake was fed from, or name another folder in LAKE_URI, "
    "or drop the lake and read everything anew (make reset; with compose: down -v and rm -rf data/delta/*)."
)

READ_ANEW = "python scripts/Jobs_Spark/resnapshot.py reads every table anew and goes on from there."


@dataclass(frozen=True)
class Topic:
    """A topic as Kafka knows it: its id, another one when it is deleted and made again, and what it still holds."""

    name: str
    topic_id: str
    begins: Mapping[int, int]  # partition -> first offset that is there
    # partition -> offset, to partition -> when the message there was produced, in ms; None where there is none
    timestamps: Callable[[Mapping[int, int]], Mapping[int, int | None]]


@dataclass(frozen=True)
class Source:
    """What the changes come from: one Postgres, and a topic for each captured table."""

    system_identifier: str
    topics: Mapping[str, Topic]


@dataclass(frozen=True)
class Claim:
    """Where Bronze goes on reading a topic: its incarnation, and the next offset of each partition.

    `gaps` are offsets before these that Bronze lacks and the topic still has.
    """

    incarnation: int
    starts: Mapping[int, int]
    gaps: Sequence[Gap] = ()


def make_bronze(catalog: Catalog, source: Source, *contracts: Contract) -> None:
    """Make the Bronze tables for this source; raise WrongSource for a lake of another Postgres (law 9)."""
    for contract in contracts:
        topic = source.topics[contract.topic]
        catalog.make_bronze(contract, {SYSTEM: source.system_identifier, f"{TOPIC}0": topic.topic_id})
        check_system(catalog, source.system_identifier, contract)


def claim(catalog: Catalog, source: Source, contract: Contract) -> Claim:
    """Return where to go on, once it is certain that Bronze was read from this topic, and what is to be read again.

    Raises WrongSource, with its remedy, for a topic that was made anew and for one that no longer has what Bronze
    lacks: what was not read yet, or a gap in what was. It raises it too where Kafka lost the end of a topic's log,
    and gives its offsets to other messages.
    """
    make_bronze(catalog, source, contract)
    topic, known = source.topics[contract.topic], catalog.properties("bronze", contract.table)
    incarnation = _incarnations(known).get(topic.topic_id)
    if incarnation is None:
        raise WrongSource(
            f"topic {topic.name} is not the one that bronze/{contract.table} was read from: "
            f"it was deleted and made again. {READ_ANEW}"
        )
    taken_in = catalog.taken_in(contract)
    for number in _truncated(catalog, contract, topic, incarnation, taken_in):
        raise WrongSource(
            f"topic {topic.name}, partition {number} does not have the message at offset "
            f"{taken_in[Lane(incarnation, number)]}, which is the last one of bronze/{contract.table}: Kafka lost the "
            f"end of its log, and gives these offsets to other messages. {READ_ANEW}"
        )
    starts = _starts(topic, incarnation, taken_in, known)
    for number, first in topic.begins.items():
        if first > starts[number]:
            raise WrongSource(
                f"topic {topic.name}, partition {number} no longer has the offsets {starts[number]} to {first - 1}, "
                f"which bronze/{contract.table} has not read. {READ_ANEW}"
            )
    gaps = tuple(bronze_gaps(catalog, contract))
    if gone := _not_in(topic, incarnation, gaps):
        raise WrongSource(
            f"bronze/{contract.table} lacks what it once took in ({_listed(gone)}), and topic {topic.name} does not "
            f"have it any more. {READ_ANEW}"
        )
    return Claim(incarnation, starts, gaps)


def bronze_gaps(catalog: Catalog, contract: Contract) -> Sequence[Gap]:
    """Return the offsets that the Bronze table lacks before its last ones, without those whose loss was accepted."""
    known = catalog.properties("bronze", contract.table)
    return find_gaps(catalog, contract.table, _accepted(known))


def accept(catalog: Catalog, source: Source, contract: Contract, wal_end: Callable[[], int]) -> None:
    """Go on with what is there, since all its rows are being read anew: a topic with a gap, an older Postgres."""
    topic, known = source.topics[contract.topic], catalog.properties("bronze", contract.table)
    incarnations = _incarnations(known)
    incarnation, taken_in = incarnations.get(topic.topic_id), catalog.taken_in(contract)
    if incarnation is None or _truncated(catalog, contract, topic, incarnation, taken_in):
        # Its offsets name other messages from here on: it is read from its beginning, as another topic is.
        incarnation = max(incarnations.values()) + 1
    starts = _starts(topic, incarnation, taken_in, known)
    gone = _not_in(topic, incarnation, bronze_gaps(catalog, contract))
    lost = {gap.lane: gap.last + 1 for gap in gone}
    lost |= {Lane(incarnation, number): first for number, first in topic.begins.items() if first > starts[number]}
    news = {f"{LOST}{lane.incarnation}.{lane.partition}": str(first) for lane, first in lost.items()}
    if (read := catalog.read_up_to(contract)) > wal_end():
        news[OLDER] = str(read)
    if incarnation not in incarnations.values():
        news[f"{TOPIC}{incarnation}"] = topic.topic_id
    if news:
        catalog.set_properties("bronze", contract.table, news)


def check_order(catalog: Catalog, source: Source, wal_end: Callable[[], int], contract: Contract) -> None:
    """Raise WrongSource where nothing tells that what would be read anew came after what Bronze holds.

    Within a topic its offsets tell it, in another one Postgres's log: of an older Postgres they are both no help.
    """
    topic, known = source.topics[contract.topic], catalog.properties("bronze", contract.table)
    incarnation, taken_in = _incarnations(known).get(topic.topic_id), catalog.taken_in(contract)
    another = incarnation is None or _truncated(catalog, contract, topic, incarnation, taken_in)
    if another and catalog.read_up_to(contract) > wal_end():
        raise WrongSource(
            f"Postgres is older than bronze/{contract.table} and topic {topic.name} is another one: "
            f"what is read now cannot be told from what was lost. {REMEDIES}"
        )


def check_system(catalog: Catalog, system_identifier: str, contract: Contract) -> None:
    """Raise WrongSource where the Bronze table was read from another Postgres."""
    if not catalog.exists("bronze", contract.table):
        raise NotReady(f"bronze/{contract.table} is not there yet; the stream processor makes it. Start it: make up")
    known = catalog.properties("bronze", contract.table).get(SYSTEM)
    if known != system_identifier:
        raise WrongSource(
            f"bronze/{contract.table} belongs to the Postgres with system identifier {known}, "
            f"and the one at this address has {system_identifier}. {REMEDIES}"
        )


def check_age(catalog: Catalog, wal_end: Callable[[], int], contract: Contract) -> None:
    """Raise WrongSource where Postgres's log ends before what Bronze holds of it: an older Postgres was restored."""
    read = catalog.read_up_to(contract)
    accepted = int(catalog.properties("bronze", contract.table).get(OLDER, 0))
    if read > accepted and read > (end := wal_end()):
        raise WrongSource(
            f"Postgres is older than bronze/{contract.table}, which has read its log up to {read}; it ends at {end}. "
            f"A backup was restored, and what was committed after it is gone. {READ_ANEW}"
        )


def _incarnations(known: Mapping[str, str]) -> dict[str, int]:
    """Return each topic's incarnation by its id: its last one, where its log was truncated."""
    numbers = {int(name.removeprefix(TOPIC)): value for name, value in known.items() if name.startswith(TOPIC)}
    return {numbers[number]: number for number in sorted(numbers)}


def _truncated(
    catalog: Catalog, contract: Contract, topic: Topic, incarnation: int, taken_in: Positions
) -> Sequence[int]:
    """Return the partitions in which Kafka does not have the message that Bronze holds last.

    It is recognised by when it was produced. Bronze was read before Kafka is asked, so that a flow that runs
    meanwhile makes no difference. A message that the topic has forgotten from its beginning is not looked for.
    """
    last = {lane.partition: end for lane, end in taken_in.items() if lane.incarnation == incarnation}
    last = {number: end for number, end in last.items() if end >= topic.begins.get(number, end + 1)}
    if not last:
        return []
    held, there = catalog.kafka_timestamps(contract, incarnation, last), topic.timestamps(last)
    return [number for number in last if there[number] is None or held[number] not in {None, there[number]}]


def _starts(topic: Topic, incarnation: int, taken_in: Positions, known: Mapping[str, str]) -> dict[int, int]:
    """Give the offset that is to be read next of each partition."""
    return {
        number: max(taken_in.get(Lane(incarnation, number), -1) + 1, int(known.get(f"{LOST}{incarnation}.{number}", 0)))
        for number in topic.begins
    }


def _accepted(known: Mapping[str, str]) -> dict[Lane, int]:
    """Return the offset of each lane before which a loss was accepted."""
    named = {name.removeprefix(LOST): int(first) for name, first in known.items() if name.startswith(LOST)}
    return {Lane(*map(int, name.split("."))): first for name, first in named.items()}


def _not_in(topic: Topic, incarnation: int, gaps: Iterable[Gap]) -> list[Gap]:
    """Return the gaps that the topic cannot fill: it begins behind them, or is another one than they were read from."""
    return [
        gap
        for gap in gaps
        if gap.lane.incarnation != incarnation or gap.first < topic.begins.get(gap.lane.partition, gap.last + 1)
    ]


def _listed(gaps: Sequence[Gap]) -> str:
    more = f" and {len(gaps) - NAMED} more" if len(gaps) > NAMED else ""
    return "; ".join(map(str, gaps[:NAMED])) + more
