"""What was lost and what was doubled, when all is over: in Bronze, in Silver, in Gold, and on the way to Slack."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from pyspark.sql import SparkSession

from chaos.messages import noted_and_received, unsent
from chaos.offset_checker import OffsetFinding, explain
from chaos.rows import Taken, check_offsets, figures_that_differ, rebuilt_that_differ, taken_in
from chaos.system import System
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
    def holds(self) -> bool:
        return not (self.rows_lost or self.rows_doubled or self.differences or self.messages_lost)


def judge(system: System, spark: SparkSession) -> Verdict:
    """Compare Gold with Silver, Silver with Postgres, Bronze and it with Kafka, it with itself rebuilt, Slack with all.

    In this order: comparing with Postgres brings Silver up to date, and Bronze before it; what the topics hold is
    asked for earlier still, so that a change which comes meanwhile is not missed. A rebuilt Silver tells nothing any
    more of the one that was there.
    """
    settings, lake = system.settings, Lake(spark, Catalog(system.settings.lake))
    topic_offsets = read_offsets(settings, [contract.topic for contract in CAPTURED])
    figures = figures_that_differ(lake)
    compared = reconcile(settings, lake, CAPTURED, patience=60, show=20)
    taken, found = taken_in(lake, topic_offsets), check_offsets(lake, topic_offsets)
    details = [*explain(found), *_messages_of(settings, found)]
    noted, received = noted_and_received(system)
    return Verdict(
        changes=sum(one.messages for one in taken),
        rows_lost=sum(one.lost for one in taken) + sum(max(0, one.source_rows - one.silver_rows) for one in compared),
        rows_doubled=sum(one.doubled for one in taken)
        + sum(max(0, one.silver_rows - one.source_rows) for one in compared),
        differences=[
            *figures,
            *(f"not as in Kafka: {one}" for one in found),
            *_reader_disagreements(taken, found),
            *(f"Silver is not Postgres: {one.table} {said}" for one in compared for said in one.differences),
            *(f"{one.table}: {one.error}" for one in compared if one.error),
            *rebuilt_that_differ(settings, lake),
        ],
        details=details,
        messages=noted.total(),
        messages_lost=unsent(settings) + (noted - received).total(),
        messages_doubled=(received - noted).total(),
    )


def _reader_disagreements(taken: Sequence[Taken], found: Sequence[OffsetFinding]) -> Iterator[str]:
    """Say where Spark, which counted, and delta-rs, which named, read other rows of Bronze."""
    named = sum(one.offsets for one in found if one.table.once and one.kind == "missing")
    if named != (counted := sum(one.lost for one in taken)):
        yield f"of Bronze, Spark finds {counted} rows missing and delta-rs {named}"


def _messages_of(settings: Settings, found: Sequence[OffsetFinding]) -> Iterator[str]:
    """Yield what Kafka holds at the offsets that were found wanting."""
    for one in found:
        yield f"Kafka's messages of {one}"
        yield from describe_messages(settings, one.table.topic, one.topic_partition.partition, one.ranges)
