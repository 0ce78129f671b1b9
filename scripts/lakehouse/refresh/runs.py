"""The run journal, gold.runs: one row per refresh, failed ones included."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from datetime import date, datetime
from decimal import Decimal
from time import monotonic
from types import MappingProxyType
from typing import Any
from uuid import uuid4

from lakehouse.cdc import commit_log, table_query
from lakehouse.cdc.lake import Lake
from lakehouse.cdc.merge.silver import CatchUpResult
from lakehouse.cdc.table_store import TableStore
from lakehouse.clock import utc_now
from lakehouse.gold.rules import Rules
from lakehouse.gold.totals import Totals, changed_beyond
from lakehouse.refresh.open_refusals import OpenRefusals
from lakehouse.refresh.proof import Proof
from lakehouse.source.consistent_cut import ConsistentCut, cut_to_json
from lakehouse.spark.literals import lit

RUNS: Mapping[str, str] = MappingProxyType(
    {
        "run_id": "string",
        "started_at": "timestamp",
        "finished_at": "timestamp",
        "as_of": "date",
        "input_offsets": "string",
        "rules": "string",
        "change_count": "bigint",
        "refused_count": "bigint",
        "seconds": "string",
        "outcome": "string",
        "known_at": "date",
        "scenarios": "string",
        "input_versions": "string",
        "totals_before": "string",
        "totals_after": "string",
        "anomalies": "string",
        "tables": "string",
        "row_count": "bigint",
        "open_refusals": "string",
        "proof": "string",
        "proved_at": "timestamp",
        "proved_cut": "string",
        "proved_rows": "bigint",
        "counted_rows": "bigint",
        "proved_tables": "string",
    }
)
DEFAULT_ALERT_THRESHOLD = 0.1  # a total that changes by a larger share in one run is marked


@dataclass
class Run:
    """A refresh in progress: its day, its consistent cut, the merged changes, and the seconds of each stage.

    `scenarios` maps a scenario's name to the rules that it changes. `input_versions` maps "layer/table" to the Delta
    version that the figures were computed from. `before` and `after` are the totals around the run. No figure is
    computed from `stopped_tables`: their settings lose changes, they could not be merged, or another program wrote to
    them. `foreign_tables` are those of Gold to which another program wrote: whatever their last commit says, they are
    computed again.
    `proof` is what the run knows of Silver's being right. `written_models` are the tables of figures that it wrote,
    and `has_repaired` is whether another program's commits were found.
    """

    as_of: date
    input_offsets: ConsistentCut
    alert_threshold: float = DEFAULT_ALERT_THRESHOLD
    known_at: date | None = None
    scenarios: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    started_at: datetime = field(default_factory=utc_now)
    rules: Rules | None = None
    catch_up_results: list[CatchUpResult] = field(default_factory=list)
    input_versions: dict[str, int] = field(default_factory=dict)
    before: Totals = field(default_factory=dict)
    after: Totals = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)
    outcome: str = "running"
    stopped_tables: frozenset[str] = frozenset()
    foreign_tables: frozenset[str] = frozenset()
    open_refusals: Mapping[str, OpenRefusals] = field(default_factory=dict)
    proof: Proof = field(default_factory=Proof)
    written_models: set[str] = field(default_factory=set)
    has_repaired: bool = False

    @property
    def has_changed_something(self) -> bool:
        """Whether the run failed, merged a change, wrote a figure, or met another program's commit."""
        has_merged = any(result.changes or result.rows for result in self.catch_up_results)
        return self.outcome != "ok" or has_merged or bool(self.written_models) or self.has_repaired

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Record the seconds that the body of the `with` takes, also when it fails."""
        began = monotonic()
        try:
            yield
        finally:
            self.seconds[name] = monotonic() - began

    @property
    def anomalies(self) -> Mapping[str, float]:
        """Totals that changed by more than the alert threshold, with their relative change."""
        return changed_beyond(self.before, self.after, self.alert_threshold)


def silver_versions(store: TableStore, *tables: str) -> dict[str, int]:
    """Return the versions of Silver tables in the form of `Run.input_versions`."""
    return {f"silver/{name}": commit_log.last_data_version(store, "silver", name) for name in tables}


def last_totals(store: TableStore) -> Totals:
    """Return the totals after the last successful run of current figures; empty where there is none.

    Failed and killed runs do not count: some of their Gold tables may be written and others not.
    """
    figures_json = table_query.query_one(
        store,
        """
        SELECT last_value(totals_after ORDER BY finished_at) AS totals_json FROM runs
        WHERE outcome = 'ok' AND known_at IS NULL AND totals_after IS NOT NULL
        """,
        runs=("gold", "runs"),
    )["totals_json"]
    figures = json.loads(figures_json or "{}").items()
    return {name: value if isinstance(value, int) else Decimal(value) for name, value in figures}


def append_run(lake: Lake, run: Run) -> None:
    """Append the run to gold.runs, with its proof and its cut."""
    proof = run.proof
    values = {
        "run_id": str(uuid4()),
        "started_at": run.started_at,
        "finished_at": utc_now(),
        "as_of": run.as_of,
        "input_offsets": cut_to_json(run.input_offsets),
        "rules": _json(run.rules and asdict(run.rules)),
        "change_count": sum(result.changes for result in run.catch_up_results),
        "refused_count": sum(result.refused for result in run.catch_up_results),
        "seconds": json.dumps({stage: round(elapsed, 2) for stage, elapsed in run.seconds.items()}),
        "outcome": run.outcome,
        "known_at": run.known_at,
        "scenarios": _json(run.scenarios),
        "input_versions": _json(run.input_versions),
        "totals_before": _json(run.before),
        "totals_after": _json(run.after),
        "anomalies": _json({name: round(share, 4) for name, share in run.anomalies.items()}),
        "tables": _json({result.table: _counts(result) for result in run.catch_up_results}),
        "row_count": sum(result.rows for result in run.catch_up_results),
        "open_refusals": _json({table: asdict(refusals) for table, refusals in run.open_refusals.items()}),
        "proof": proof.state,
        "proved_at": proof.cut and proof.cut.proved_at,
        "proved_cut": proof.cut and cut_to_json(proof.cut.offsets),
        "proved_rows": proof.proved_rows,
        "counted_rows": proof.counted_rows,
        "proved_tables": _json(proof.tables()),
    }
    row = lake.spark.range(1).select(*(lit(values[name]).cast(sql_type).alias(name) for name, sql_type in RUNS.items()))
    lake.append(row, "gold", "runs")


def _counts(result: CatchUpResult) -> Mapping[str, int]:
    return {"changes": result.changes, "refused": result.refused, "rows": result.rows}


def _json(value: object) -> str | None:
    return json.dumps(value, default=str) if value else None
