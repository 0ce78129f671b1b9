"""What was lost and what was doubled, when all is over: in Bronze, in Silver, and on the way to Slack."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from chaos.system import System
from lakehouse.cdc.catalog import Catalog
from lakehouse.cdc.contract import Contract
from lakehouse.cdc.lake import Lake
from lakehouse.cdc.side_by_side import side_by_side
from lakehouse.contracts import CAPTURED, STRAVA_ACTIVITIES
from lakehouse.reconcile.reconcile import reconcile
from lakehouse.settings import Settings
from lakehouse.slack.webhook import _plain
from lakehouse.source import topics
from lakehouse.source.postgres import connect
from stack.lab import Bench
from workload.laws import once_is_twice

# What is owed a message and has none that was sent, by what Postgres holds at the end.
UNSENT = """
    SELECT count(*) FROM strava_activities a JOIN ops.go_live ON created_at > live_since
    WHERE private IS FALSE AND NOT ({refused})
      AND NOT EXISTS (SELECT FROM ops.slack_outbox o WHERE o.activity_id = a.activity_id AND status = 'sent')
"""


@dataclass(frozen=True)
class Verdict:
    """Rows by table and offset or key, messages by activity; the differences are for a person to read."""

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
    """Compare Bronze with Kafka, Silver with Postgres and with itself rebuilt from Bronze, Slack with the outbox.

    Silver has to be rebuilt last, and reads all of Bronze.
    """
    settings, lake = system.settings, Lake(spark, Catalog(system.settings.lake))
    ends = _ends(settings)
    held = {contract.table: _held(lake, contract) for contract in CAPTURED}
    compared = reconcile(settings, lake, CAPTURED, patience=60, show=20)
    bench = Bench(settings, lake, CAPTURED, {})
    rebuilt = side_by_side(partial(once_is_twice, bench), CAPTURED)
    noted = Counter(map(_plain, _sent(settings)))
    received = Counter(system.slack.received)
    missing = sum(max(0, one.source_rows - one.silver_rows) for one in compared)
    beyond = sum(max(0, one.silver_rows - one.source_rows) for one in compared)
    return Verdict(
        changes=sum(ends.values()),
        rows_lost=missing + sum(ends[table] - distinct for table, (_, distinct) in held.items()),
        rows_doubled=beyond + sum(rows - distinct for rows, distinct in held.values()),
        differences=[
            *(f"Silver is not Postgres: {one.table} {said}" for one in compared for said in one.differences),
            *(f"{one.table}: {one.error}" for one in compared if one.error),
            *(f"rebuilt from Bronze: {said}" for each in rebuilt for said in each),
        ],
        messages=noted.total(),
        messages_lost=unsent(settings) + (noted - received).total(),
        messages_doubled=(received - noted).total(),
    )


def unsent(settings: Settings) -> int:
    """Give how many activities are owed a message that was not sent yet."""
    refused = " OR ".join(f"({rule.when}) IS TRUE" for rule in STRAVA_ACTIVITIES.rules)
    asked = UNSENT.format(refused=refused.replace("committed_at", "created_at"))
    with connect(settings) as conn:
        row = conn.execute(asked.encode()).fetchone()
    return int(row[0]) if row else 0


def _held(lake: Lake, contract: Contract) -> tuple[int, int]:
    """Give how many rows Bronze has of a table, and of how many messages."""
    places = F.count_distinct("incarnation", "partition", "offset")
    row = lake.read("bronze", contract.table).agg(F.count("*"), places).first()
    assert row
    return int(row[0]), int(row[1])


def _ends(settings: Settings) -> Mapping[str, int]:
    """Give how many messages Kafka has of each table."""
    with topics.following(settings, [contract.topic for contract in CAPTURED]) as consumer:
        ends = topics.reachable(consumer)
    return {one.table: sum(end for part, end in ends.items() if part.topic == one.topic) for one in CAPTURED}


def _sent(settings: Settings) -> list[str]:
    with connect(settings) as conn:
        found = conn.execute("SELECT message FROM ops.slack_outbox WHERE status = 'sent'").fetchall()
    return [text for (text,) in found]
