"""Which source a lake belongs to: Postgres's system identifier and each topic's id, kept with the Bronze table."""

from collections.abc import Mapping
from dataclasses import dataclass

from lakehouse.cdc.catalog import Catalog
from lakehouse.cdc.contract import Contract
from lakehouse.errors import NotReady, WrongSource

SYSTEM = "cdc.systemIdentifier"
TOPIC = "cdc.topicId."
REMEDIES = (
    "Either start the source that this lake was fed from, or name another folder in LAKE_URI, "
    "or drop the lake and read everything anew (make reset; with compose: down -v and rm -rf data/delta/*)."
)


@dataclass(frozen=True)
class Topic:
    """A topic as Kafka knows it: its id changes when it is deleted and made again."""

    name: str
    topic_id: str
    partitions: int


@dataclass(frozen=True)
class Source:
    """What the changes come from: one Postgres, and a topic for each captured table."""

    system_identifier: str
    topics: Mapping[str, Topic]


def claim(catalog: Catalog, source: Source, *contracts: Contract) -> list[int]:
    """Make the Bronze tables for this source, or see that they are this source's; give their topics' incarnations.

    Raises WrongSource, with its remedies, for a lake of another Postgres or of a topic made anew (law 9).
    """
    return [_claim(catalog, source, contract) for contract in contracts]


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


def _claim(catalog: Catalog, source: Source, contract: Contract) -> int:
    topic = source.topics[contract.topic]
    catalog.make_bronze(contract, {SYSTEM: source.system_identifier, f"{TOPIC}0": topic.topic_id})
    check_system(catalog, source.system_identifier, contract)
    known = catalog.properties("bronze", contract.table)
    incarnations = {value: int(name.removeprefix(TOPIC)) for name, value in known.items() if name.startswith(TOPIC)}
    if topic.topic_id not in incarnations:
        raise WrongSource(
            f"topic {topic.name} is not the one that bronze/{contract.table} was read from: "
            f"it was deleted and made again. {REMEDIES}"
        )
    return incarnations[topic.topic_id]
