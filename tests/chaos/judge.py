"""What was lost and what was doubled, when all is over: in Bronze, in Silver, in Gold, and on the way to Slack."""

from collections.abc import Sequence
from dataclasses import dataclass

from pyspark.sql import SparkSession

from chaos.messages import noted_and_received, unsent
from chaos.rows import figures_that_differ, rebuilt_that_differ, taken_in
from chaos.system import System
from lakehouse.cdc.catalog import Catalog
from lakehouse.cdc.lake import Lake
from lakehouse.contracts import CAPTURED
from lakehouse.reconcile.reconcile import reconcile


@dataclass(frozen=True)
class Verdict:
    """Rows by table and offset or key, messages by their text; the differences are for a person to read."""

    changes: int
    rows_lost: int
    rows_doubled: int
    differences: Sequence[str]
    messages: int
    messages_lost: int
    messages_doubled: int

    @property
    def holds(self) -> bool:
        return not (self.rows_lost or self.rows_doubled or self.differences or self.messages_lost)


def judge(system: System, spark: SparkSession) -> Verdict:
    """Compare Gold with Silver, Silver with Postgres, Bronze with Kafka, Silver with itself rebuilt, Slack with all.

    In this order: comparing with Postgres brings Silver up to date, and Bronze before it.
    """
    settings, lake = system.settings, Lake(spark, Catalog(system.settings.lake))
    figures = figures_that_differ(lake)
    compared = reconcile(settings, lake, CAPTURED, patience=60, show=20)
    taken = taken_in(settings, lake)
    noted, received = noted_and_received(system)
    return Verdict(
        changes=sum(one.messages for one in taken),
        rows_lost=sum(one.lost for one in taken) + sum(max(0, one.source_rows - one.silver_rows) for one in compared),
        rows_doubled=sum(one.doubled for one in taken)
        + sum(max(0, one.silver_rows - one.source_rows) for one in compared),
        differences=[
            *figures,
            *(f"Silver is not Postgres: {one.table} {said}" for one in compared for said in one.differences),
            *(f"{one.table}: {one.error}" for one in compared if one.error),
            *rebuilt_that_differ(settings, lake),
        ],
        messages=noted.total(),
        messages_lost=unsent(settings) + (noted - received).total(),
        messages_doubled=(received - noted).total(),
    )
