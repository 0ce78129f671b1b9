"""The journal of refreshes: one row each, also of one that failed."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from datetime import date, datetime, timezone
from decimal import Decimal
from time import monotonic
from types import MappingProxyType
from typing import Any
from uuid import uuid4

from pyspark.sql import functions as F

from lakehouse.cdc.catalog import Catalog
from lakehouse.cdc.lake import Lake
from lakehouse.cdc.silver import Caught
from lakehouse.gold.rules import Rules
from lakehouse.gold.totals import Totals, moved
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
        "known_at": "date",
        "scenarios": "string",
        "inputs": "string",
        "figures_before": "string",
        "figures_after": "string",
        "moved": "string",
        "tables": "string",
        "nb_rows": "bigint",
    }
)
MOVES_OVER = 0.1  # the share that a figure may move by in a run before it is marked


@dataclass
class Run:
    """A refresh while it goes on: its day, its cut, what it took in, and the seconds of each stage.

    `scenarios` are the rules that each changes, by its name; `inputs` are versions of the tables that its figures were
    computed from, by layer and name.
    """

    as_of: date
    cut: Cut
    moves_over: float = MOVES_OVER
    known_at: date | None = None
    scenarios: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    started_at: datetime = field(default_factory=lambda: datetime.now(timezone.utc))
    rules: Rules | None = None
    caught: list[Caught] = field(default_factory=list)
    inputs: dict[str, int] = field(default_factory=dict)
    before: Totals = field(default_factory=dict)
    after: Totals = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)
    outcome: str = "running"

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Note how long what is done within takes."""
        began = monotonic()
        try:
            yield
        finally:
            self.seconds[name] = monotonic() - began

    @property
    def moved(self) -> Mapping[str, float]:
        """Figures that moved more than they may, by the share that they moved by."""
        return moved(self.before, self.after, self.moves_over)


def versions(catalog: Catalog, *tables: str) -> dict[str, int]:
    """Give the versions of Silver's tables, as a run's `inputs` have them."""
    return {f"silver/{name}": catalog.version("silver", name) for name in tables}


def last_totals(catalog: Catalog) -> Totals:
    """Give today's figures as the last good run left them; none where no run tells them.

    Of a run that was killed on its way each figure's table may be new or old.
    """
    told = catalog.one(
        """
        SELECT last_value(figures_after ORDER BY finished_at) AS told FROM runs
        WHERE outcome = 'ok' AND known_at IS NULL AND figures_after IS NOT NULL
        """,
        runs=("gold", "runs"),
    )["told"]
    figures = json.loads(told or "{}").items()
    return {name: value if isinstance(value, int) else Decimal(value) for name, value in figures}


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
        "rules": _json(run.rules and asdict(run.rules)),
        "nb_changes": sum(one.changes for one in run.caught),
        "nb_refused": sum(one.refused for one in run.caught),
        "seconds": json.dumps({stage: round(took, 2) for stage, took in run.seconds.items()}),
        "outcome": run.outcome,
        "known_at": run.known_at,
        "scenarios": _json(run.scenarios),
        "inputs": _json(run.inputs),
        "figures_before": _json(run.before),
        "figures_after": _json(run.after),
        "moved": _json({name: round(share, 4) for name, share in run.moved.items()}),
        "tables": _json({one.table: _counts(one) for one in run.caught}),
        "nb_rows": sum(one.rows for one in run.caught),
    }
    row = lake.spark.range(1).select(*(F.lit(values[name]).cast(kind).alias(name) for name, kind in RUNS.items()))
    lake.append(row, "gold", "runs")


def _counts(caught: Caught) -> Mapping[str, int]:
    return {"changes": caught.changes, "refused": caught.refused, "rows": caught.rows}


def _json(value: object) -> str | None:
    return json.dumps(value, default=str) if value else None
