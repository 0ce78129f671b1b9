"""The lake's rows against what they come from: Bronze and Kafka, Silver and Bronze, Gold and Silver."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from pyspark.sql import functions as F

from chaos.offset_checker import OffsetFinding, bronze, check, versions
from chaos.topic_offsets import Offsets
from lakehouse.cdc.completion import computed
from lakehouse.cdc.contract import Contract
from lakehouse.cdc.lake import Lake
from lakehouse.cdc.positions import Lane
from lakehouse.cdc.side_by_side import side_by_side
from lakehouse.clock import today
from lakehouse.contracts import CAPTURED, REWARD_RULES
from lakehouse.gold.figures import figures
from lakehouse.gold.rules import rules_until
from lakehouse.settings import Settings
from stack.lab import Bench
from workload.laws import once_is_twice


@dataclass(frozen=True)
class Taken:
    """Of a topic: how many messages it has, how many of them Bronze has not, and how many rows it has too many."""

    messages: int
    lost: int
    doubled: int


def taken_in(lake: Lake, topic_offsets: Mapping[str, Offsets]) -> Sequence[Taken]:
    """Compare Bronze with Kafka's offsets, table by table, as far as the topics reached; each has one partition."""
    return [taken_of(lake, contract, topic_offsets[contract.topic][0].stop) for contract in CAPTURED]


def check_offsets(lake: Lake, topic_offsets: Mapping[str, Offsets]) -> Sequence[OffsetFinding]:
    """Return which offsets Bronze and the versions of Silver lack or have too often, of those the topics hold."""
    root = Path(lake.catalog.root)
    found: list[OffsetFinding] = []
    for contract in CAPTURED:
        incarnation = max((lane.incarnation for lane in lake.catalog.taken_in(contract)), default=0)
        expected = {Lane(incarnation, number): offsets for number, offsets in topic_offsets[contract.topic].items()}
        for table in (bronze(root, contract), versions(root, contract)):
            found += check(table, expected)
    return found


def figures_that_differ(lake: Lake) -> list[str]:
    """Compute Gold again from Silver as the last refresh left it, and name the tables whose rows are others."""
    day = today()
    again = figures(rules_until(lake.silver(REWARD_RULES), day), day)
    counts = {
        name: (rows.exceptAll(there).count(), there.exceptAll(rows).count())
        for name, figure in again.items()
        for rows, there in [(computed(figure.compute(lake)), lake.read("gold", name))]
    }
    return [f"gold/{name}: {lost} rows lost, {other} others" for name, (lost, other) in counts.items() if lost or other]


def rebuilt_that_differ(settings: Settings, lake: Lake) -> list[str]:
    """Rebuild Silver from Bronze, and name what is not as it was."""
    bench = Bench(settings, lake, CAPTURED, {})
    found = side_by_side(partial(once_is_twice, bench), CAPTURED)
    return [f"rebuilt from Bronze: {said}" for each in found for said in each]


def taken_of(lake: Lake, contract: Contract, end: int) -> Taken:
    """Compare a table's Bronze with the offsets before `end`."""
    places = F.count_distinct("incarnation", "partition", "offset")
    rows = lake.read("bronze", contract.table).where(F.col("offset") < end)
    found = rows.agg(F.count("*"), places).first()
    assert found
    return Taken(end, lost=end - found[1], doubled=found[0] - found[1])
