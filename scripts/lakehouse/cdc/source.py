"""Which source a lake belongs to: Postgres's system identifier and each topic's id, kept with the Bronze table."""

from collections.abc import Mapping
from dataclasses import dataclass

from pyspark.errors import AnalysisException

from lakehouse.cdc.contract import Contract
from lakehouse.cdc.lake import Lake
from lakehouse.errors import WrongSource

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


def claim(lake: Lake, source: Source, contract: Contract) -> int:
    """Make the Bronze table for this source, or see that it is this source's; give the topic's incarnation.

    Raises WrongSource, with its remedies, for a lake of another Postgres or of a topic made anew (law 9).
    """
    topic = source.topics[contract.topic]
    lake.make_bronze(contract, {SYSTEM: source.system_identifier, f"{TOPIC}0": topic.topic_id})
    known = lake.properties("bronze", contract.table)
    check_system(known, source.system_identifier, contract)
    incarnations = {value: int(key.removeprefix(TOPIC)) for key, value in known.items() if key.startswith(TOPIC)}
    if topic.topic_id not in incarnations:
        raise WrongSource(
            f"topic {topic.name} is not the one that bronze/{contract.table} was read from: "
            f"it was deleted and made again. {REMEDIES}"
        )
    return incarnations[topic.topic_id]


def check_system(known: Mapping[str, str], system_identifier: str, contract: Contract) -> None:
    """Raise WrongSource where a Bronze table's properties name another Postgres."""
    if known.get(SYSTEM) != system_identifier:
        raise WrongSource(
            f"bronze/{contract.table} belongs to Postgres {known.get(SYSTEM)}, "
            f"and the one at this address is {system_identifier}. {REMEDIES}"
        )


def exists(lake: Lake, contract: Contract) -> bool:
    """Say whether the Bronze table has been made."""
    try:
        lake.bronze(contract)
    except AnalysisException:
        return False
    return True
