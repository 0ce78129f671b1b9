"""Checks of each layer against its source: Bronze with Kafka, Silver with Bronze, Gold with Silver."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import partial
from pathlib import Path

from pyspark.sql import functions as F

from chaos.offset_checker import OffsetFinding, bronze_table, check_table, versions_table
from chaos.topic_offsets import OffsetRanges
from lakehouse.cdc import table_stats
from lakehouse.cdc.contract import Contract
from lakehouse.cdc.lake import Lake
from lakehouse.cdc.offsets import TopicPartition
from lakehouse.contracts import CAPTURED, REWARD_RULES
from lakehouse.gold.models import MODELS
from lakehouse.gold.rules import rules_until
from lakehouse.settings import Settings
from lakehouse.spark.materialize import materialize
from lakehouse.spark.parallel import parallel_map
from stack.cdc_harness import CdcHarness
from workload.invariants import check_rebuild_is_identical


@dataclass(frozen=True)
class BronzeCounts:
    """A topic's message count, the messages that Bronze lacks, and Bronze's duplicate rows."""

    messages: int
    lost: int
    doubled: int


def compare_bronze_with_kafka(lake: Lake, topic_offsets: Mapping[str, OffsetRanges]) -> Sequence[BronzeCounts]:
    """Return each captured table's Bronze counts, up to its topic's end offset; each topic has one partition."""
    return [compare_table_with_kafka(lake, contract, topic_offsets[contract.topic][0].stop) for contract in CAPTURED]


def check_offsets(lake: Lake, topic_offsets: Mapping[str, OffsetRanges]) -> Sequence[OffsetFinding]:
    """Return the missing and duplicate offsets of Bronze and of Silver's versions, among those in the topics."""
    root = Path(lake.store.root)
    findings: list[OffsetFinding] = []
    for contract in CAPTURED:
        incarnation = max(
            (topic_partition.incarnation for topic_partition in table_stats.bronze_offsets(lake.store, contract)),
            default=0,
        )
        expected = {
            TopicPartition(incarnation, number): offsets for number, offsets in topic_offsets[contract.topic].items()
        }
        for table in (bronze_table(root, contract), versions_table(root, contract)):
            findings += check_table(table, expected)
    return findings


def find_gold_differences(lake: Lake) -> list[str]:
    """Recompute Gold from the Silver of the last refresh, and return a line for each table that differs."""
    day = last_refresh_day(lake)
    book = rules_until(lake.silver(REWARD_RULES), day)
    counts = {
        model.name: (rows.exceptAll(stored).count(), stored.exceptAll(rows).count())
        for model in MODELS
        for rows, stored in [(materialize(model.current_rows(lake, book, day)), lake.read("gold", model.name))]
    }
    return [f"gold/{name}: {lost} rows lost, {extra} extra" for name, (lost, extra) in counts.items() if lost or extra]


def last_refresh_day(lake: Lake) -> date:
    """Return the day of the last successful refresh of the current figures: another day has other figures."""
    runs = lake.read("gold", "runs").where("outcome = 'ok' AND known_at IS NULL")
    last = runs.orderBy(F.desc("finished_at")).first()
    assert last
    day: date = last.as_of
    return day


def find_rebuild_differences(settings: Settings, lake: Lake) -> list[str]:
    """Rebuild Silver from Bronze, and return a line for each row that differs from before."""
    harness = CdcHarness(settings, lake, CAPTURED, {})
    differences_by_table = parallel_map(partial(check_rebuild_is_identical, harness), CAPTURED)
    return [f"rebuilt from Bronze: {difference}" for differences in differences_by_table for difference in differences]


def compare_table_with_kafka(lake: Lake, contract: Contract, end: int) -> BronzeCounts:
    """Return a table's Bronze counts for the offsets before `end`."""
    distinct_offsets = F.count_distinct("incarnation", "partition", "offset")
    rows = lake.read("bronze", contract.table).where(F.col("offset") < end)
    counts = rows.agg(F.count("*"), distinct_offsets).first()
    assert counts
    return BronzeCounts(end, lost=end - counts[1], doubled=counts[0] - counts[1])
