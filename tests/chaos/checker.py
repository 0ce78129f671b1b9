"""The check after a run: rows lost or duplicated in Bronze, Silver and Gold, and messages to Slack."""

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
from lakehouse.cdc.lake import Lake
from lakehouse.contracts import CAPTURED
from lakehouse.reconcile.reconcile import reconcile
from lakehouse.refresh.foreign_repair import all_in_lake
from lakehouse.settings import Settings
from lakehouse.source.commit_ledger import writable_store
from support.timing import seconds


@dataclass(frozen=True)
class Verdict:
    """Counts of rows, by table and offset or key, and of messages, by text.

    `differences` fail the run; `details` explain them: commits and Kafka messages around each finding.
    """

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
    """Compare each layer with its source: Gold, Silver, Bronze, Silver rebuilt from Bronze, and Slack.

    Topic offsets are read first, so that a change that arrives during the check is not missed. Reconciling with
    Postgres brings Bronze and Silver up to date. The rebuild comes last, because it replaces the Silver under test.
    """
    with writable_store(system.settings, "chaos") as store:
        return _check_lake(system, Lake(spark, store))


def _check_lake(system: SystemUnderTest, lake: Lake) -> Verdict:
    settings = system.settings
    foreign_commits = all_in_lake(lake.store)
    topic_offsets = read_offsets(settings, [contract.topic for contract in CAPTURED])
    gold_differences = find_gold_differences(lake)
    table_results = reconcile(settings, lake, CAPTURED, timeout=seconds(60), max_differences=20)
    bronze_counts, findings = compare_bronze_with_kafka(lake, topic_offsets), check_offsets(lake, topic_offsets)
    details = [*explain_findings(findings), *_describe_messages_at(settings, findings)]
    marked_sent, received = sent_and_received(system)
    return Verdict(
        changes=sum(counts.messages for counts in bronze_counts),
        rows_lost=sum(counts.lost for counts in bronze_counts)
        + sum(max(0, result.source_rows - result.silver_rows) for result in table_results),
        rows_doubled=sum(counts.doubled for counts in bronze_counts)
        + sum(max(0, result.silver_rows - result.source_rows) for result in table_results),
        differences=[
            *(f"a foreign commit: {one}" for one in foreign_commits),
            *gold_differences,
            *(f"differs from Kafka: {finding}" for finding in findings),
            *_reader_disagreements(bronze_counts, findings),
            *(
                f"Silver differs from Postgres: {result.table} {difference}"
                for result in table_results
                for difference in result.differences
            ),
            *(f"{result.table}: {result.error}" for result in table_results if result.error),
            *(problem.finding for result in table_results for problem in result.offset_problems),
            *find_rebuild_differences(settings, lake),
        ],
        details=details,
        messages=marked_sent.total(),
        messages_lost=count_unsent(settings) + (marked_sent - received).total(),
        messages_doubled=(received - marked_sent).total(),
    )


def _reader_disagreements(bronze_counts: Sequence[BronzeCounts], findings: Sequence[OffsetFinding]) -> Iterator[str]:
    """Yield a line if Spark's count of missing Bronze rows differs from that of delta-rs."""
    missing_by_delta_rs = sum(
        finding.offsets for finding in findings if finding.table.unique_offsets and finding.kind == "missing"
    )
    if missing_by_delta_rs != (missing_by_spark := sum(counts.lost for counts in bronze_counts)):
        yield f"in Bronze, Spark finds {missing_by_spark} rows missing and delta-rs {missing_by_delta_rs}"


def _describe_messages_at(settings: Settings, findings: Sequence[OffsetFinding]) -> Iterator[str]:
    """Yield a description of Kafka's messages at the offsets of each finding."""
    for finding in findings:
        yield f"Kafka's messages of {finding}"
        yield from describe_messages(settings, finding.table.topic, finding.topic_partition.partition, finding.ranges)
