"""What was lost and what was doubled, when all is over: in Bronze, in Silver, in Gold, and on the way to Slack."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from pyspark.sql import SparkSession

from chaos.lake_checker import (
    BronzeCounts,
    check_offsets,
    compare_bronze_with_kafka,
    find_gold_differences,
    find_rebuild_differences,
)
from chaos.offset_checker import OffsetFinding, explain_findings
from chaos.slack_checker import count_unsent, sent_and_received
from chaos.system_under_test import SystemUnderTest
from chaos.topic_offsets import describe_messages, read_offsets
from lakehouse.cdc.catalog import Catalog
from lakehouse.cdc.lake import Lake
from lakehouse.contracts import CAPTURED
from lakehouse.reconcile.reconcile import reconcile
from lakehouse.settings import Settings


@dataclass(frozen=True)
class Verdict:
    """Rows by table and offset or key, messages by their text; differences and details are for a person to read."""

    changes: int
    rows_lost: int
    rows_doubled: int
    differences: Sequence[str]
    details: Sequence[str]
    messages: int
    messages_lost: int
    messages_doubled: int

    @property
    def is_valid(self) -> bool:
        return not (self.rows_lost or self.rows_doubled or self.differences or self.messages_lost)


def check_system(system: SystemUnderTest, spark: SparkSession) -> Verdict:
    """Compare Gold with Silver, Silver with Postgres, Bronze and it with Kafka, it with itself rebuilt, Slack with all.

    In this order: comparing with Postgres brings Silver up to date, and Bronze before it; what the topics hold is
    asked for earlier still, so that a change which comes meanwhile is not missed. A rebuilt Silver tells nothing any
    more of the one that was there.
    """
    settings, lake = system.settings, Lake(spark, Catalog(system.settings.lake))
    topic_offsets = read_offsets(settings, [contract.topic for contract in CAPTURED])
    gold_differences = find_gold_differences(lake)
    table_results = reconcile(settings, lake, CAPTURED, timeout=60, max_differences=20)
    bronze_counts, findings = compare_bronze_with_kafka(lake, topic_offsets), check_offsets(lake, topic_offsets)
    details = [*explain_findings(findings), *_describe_messages_at(settings, findings)]
    marked_sent, received = sent_and_received(system)
    return Verdict(
        changes=sum(one.messages for one in bronze_counts),
        rows_lost=sum(one.lost for one in bronze_counts)
        + sum(max(0, one.source_rows - one.silver_rows) for one in table_results),
        rows_doubled=sum(one.doubled for one in bronze_counts)
        + sum(max(0, one.silver_rows - one.source_rows) for one in table_results),
        differences=[
            *gold_differences,
            *(f"not as in Kafka: {one}" for one in findings),
            *_reader_disagreements(bronze_counts, findings),
            *(f"Silver is not Postgres: {one.table} {said}" for one in table_results for said in one.differences),
            *(f"{one.table}: {one.error}" for one in table_results if one.error),
            *find_rebuild_differences(settings, lake),
        ],
        details=details,
        messages=marked_sent.total(),
        messages_lost=count_unsent(settings) + (marked_sent - received).total(),
        messages_doubled=(received - marked_sent).total(),
    )


def _reader_disagreements(bronze_counts: Sequence[BronzeCounts], findings: Sequence[OffsetFinding]) -> Iterator[str]:
    """Say where Spark, which counted, and delta-rs, which named, read other rows of Bronze."""
    missing_by_delta_rs = sum(one.offsets for one in findings if one.table.unique_offsets and one.kind == "missing")
    if missing_by_delta_rs != (missing_by_spark := sum(one.lost for one in bronze_counts)):
        yield f"of Bronze, Spark finds {missing_by_spark} rows missing and delta-rs {missing_by_delta_rs}"


def _describe_messages_at(settings: Settings, findings: Sequence[OffsetFinding]) -> Iterator[str]:
    """Yield what Kafka holds at the offsets that were found wanting."""
    for finding in findings:
        yield f"Kafka's messages of {finding}"
        yield from describe_messages(settings, finding.table.topic, finding.topic_partition.partition, finding.ranges)
