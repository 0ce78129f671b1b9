"""The journal of refreshes: one row each, also of one that failed."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import date, datetime, timezone
from types import MappingProxyType
from uuid import uuid4

from pyspark.sql import functions as F

from lakehouse.cdc.lake import Lake
from lakehouse.cdc.silver import Caught
from lakehouse.gold.rules import Rules
from lakehouse.source.cut import Cut

RUNS: Mapping[str, str] = MappingProxyType(
    {
        "run_id": "string",
        "started_at": "timestamp",
        "finished_at": "timestamp",
        "as_of": "date",
        "cut": "string",
        "rules": "string",
        "nb_changes": "bigint",
        "nb_refused": "bigint",
        "seconds": "string",
        "outcome": "string",
    }
)


@dataclass
class Run:
    """A refresh while it goes on: its day, its cut, what it took in, and the seconds of each stage."""

    as_of: date
    cut: Cut
    started_at: datetime = field(default_factory=lambda: datetime.now(timezone.utc))
    rules: Rules | None = None
    caught: list[Caught] = field(default_factory=list)
    seconds: dict[str, float] = field(default_factory=dict)
    outcome: str = "running"


def write(lake: Lake, run: Run) -> None:
    """Add the run to gold.runs; the cut as {table: {"incarnation/partition": last offset}}, in JSON."""
    cut = {
        table: {f"{lane.incarnation}/{lane.partition}": end for lane, end in positions.items()}
        for table, positions in run.cut.items()
    }
    values = {
        "run_id": str(uuid4()),
        "started_at": run.started_at,
        "finished_at": datetime.now(timezone.utc),
        "as_of": run.as_of,
        "cut": json.dumps(cut),
        "rules": json.dumps(asdict(run.rules), default=str) if run.rules else None,
        "nb_changes": sum(one.changes for one in run.caught),
        "nb_refused": sum(one.refused for one in run.caught),
        "seconds": json.dumps({stage: round(took, 2) for stage, took in run.seconds.items()}),
        "outcome": run.outcome,
    }
    row = lake.spark.range(1).select(*(F.lit(values[name]).cast(kind).alias(name) for name, kind in RUNS.items()))
    lake.append(row, "gold", "runs")
