"""The lake's rows against what they come from: Bronze and Kafka, Silver and Bronze, Gold and Silver."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from pyspark.sql import functions as F

from chaos.offset_checker import OffsetFinding, bronze_table, check_table, versions_table
from chaos.topic_offsets import OffsetRanges
from lakehouse.cdc.contract import Contract
from lakehouse.cdc.lake import Lake
from lakehouse.cdc.merge.enrichment import materialize
from lakehouse.cdc.offsets import TopicPartition
from lakehouse.clock import today
from lakehouse.contracts import CAPTURED, REWARD_RULES
from lakehouse.gold.models import build_models
from lakehouse.gold.rules import rules_until
from lakehouse.settings import Settings
from lakehouse.spark.parallel import parallel_map
from stack.cdc_harness import CdcHarness
from workload.invariants import check_rebuild_is_identical


@dataclass(frozen=True)
class BronzeCounts:
    """Of a topic: how many messages it has, how many of them Bronze has not, and how many rows it has too many."""

    messages: int
    lost: int
    doubled: int


def compare_bronze_with_kafka(lake: Lake, topic_offsets: Mapping[str, OffsetRanges]) -> Sequence[BronzeCounts]:
    """Compare Bronze with Kafka's offsets, table by table, as far as the topics reached; each has one partition."""
    return [compare_table_with_kafka(lake, contract, topic_offsets[contract.topic][0].stop) for contract in CAPTURED]


def check_offsets(lake: Lake, topic_offsets: Mapping[str, OffsetRanges]) -> Sequence[OffsetFinding]:
    """Return which offsets Bronze and the versions of Silver lack or have too often, of those the topics hold."""
    root = Path(lake.catalog.root)
    findings: list[OffsetFinding] = []
    for contract in CAPTURED:
        incarnation = max(
            (topic_partition.incarnation for topic_partition in lake.catalog.bronze_offsets(contract)), default=0
        )
        expected = {
            TopicPartition(incarnation, number): offsets for number, offsets in topic_offsets[contract.topic].items()
        }
        for table in (bronze_table(root, contract), versions_table(root, contract)):
            findings += check_table(table, expected)
    return findings


def find_gold_differences(lake: Lake) -> list[str]:
    """Compute Gold again from Silver as the last refresh left it, and name the tables whose rows are others."""
    day = today()
    models = build_models(rules_until(lake.silver(REWARD_RULES), day), day)
    counts = {
        name: (rows.exceptAll(stored).count(), stored.exceptAll(rows).count())
        for name, model in models.items()
        for rows, stored in [(materialize(model.compute(lake)), lake.read("gold", name))]
    }
    return [f"gold/{name}: {lost} rows lost, {other} others" for name, (lost, other) in counts.items() if lost or other]


def find_rebuild_differences(settings: Settings, lake: Lake) -> list[str]:
    """Rebuild Silver from Bronze, and name what is not as it was."""
    harness = CdcHarness(settings, lake, CAPTURED, {})
    differences_by_table = parallel_map(partial(check_rebuild_is_identical, harness), CAPTURED)
    return [f"rebuilt from Bronze: {difference}" for differences in differences_by_table for difference in differences]


def compare_table_with_kafka(lake: Lake, contract: Contract, end: int) -> BronzeCounts:
    """Compare a table's Bronze with the offsets before `end`."""
    distinct_offsets = F.count_distinct("incarnation", "partition", "offset")
    rows = lake.read("bronze", contract.table).where(F.col("offset") < end)
    counts = rows.agg(F.count("*"), distinct_offsets).first()
    assert counts
    return BronzeCounts(end, lost=end - counts[1], doubled=counts[0] - counts[1])
