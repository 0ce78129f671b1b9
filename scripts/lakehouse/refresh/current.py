"""Refresh of the current figures: only tables whose inputs changed, incrementally where possible (law 7)."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from pyspark.sql import DataFrame

from lakehouse.cdc import commit_log, table_stats
from lakehouse.cdc.foreign_commits import resolve_foreign_commits
from lakehouse.cdc.lake import Lake
from lakehouse.contracts import REWARD_RULES, STRAVA_ACTIVITIES
from lakehouse.gold.affected import (
    AFFECTED_BY_TABLES,
    MAX_AFFECTED_EMPLOYEES,
    AffectedEmployees,
    changed_employees,
)
from lakehouse.gold.incremental import baselines, compute_incrementally, find_affected
from lakehouse.gold.model import Model
from lakehouse.gold.models import MODELS
from lakehouse.gold.provenance import Provenance
from lakehouse.gold.rules import current_rules_until
from lakehouse.gold.totals import totals
from lakehouse.gold.views import VIEWS_DIR
from lakehouse.refresh.runs import Run, last_totals, silver_versions
from lakehouse.spark.parallel import parallel_map

BULK_THRESHOLD_ACTIVITIES = 200_000  # rows of silver/strava_activities
MAX_PROVED_EMPLOYEES = 10_000  # above it, all rows are compared


def refresh_current(
    lake: Lake,
    run: Run,
    *,
    full_refresh: bool = False,
    bulk_threshold: int = BULK_THRESHOLD_ACTIVITIES,
    max_affected: int = MAX_AFFECTED_EMPLOYEES,
    models: Sequence[Model] = MODELS,
    views_dir: Path = VIEWS_DIR,
) -> None:
    """Recompute each Gold table whose provenance differs from the one stored in its last commit.

    `full_refresh` recomputes every table from all of Silver; the rows are the same. Up to `bulk_threshold` activities,
    and with more than `max_affected` employees affected, no table is computed incrementally. Tables of figures that
    read one of the run's stopped tables stay unchanged. The run's proof comes before the first table is written.
    """
    with run.stage("gold/rules"):
        book = current_rules_until(lake.store, run.as_of)
        run.rules = book.current
    models_by_name = {model.name: model for model in models if not model.reads_any(run.stopped_tables, book, run.as_of)}
    current = {name: model.provenance(lake.store, book, run.as_of) for name, model in models_by_name.items()}
    stored = {name: Provenance.from_json(commit_log.provenance(lake.store, "gold", name)) for name in models_by_name}
    previous = {} if full_refresh else {name: stored[name] for name in models_by_name.keys() - run.foreign_tables}
    stale = [name for name in models_by_name if current[name] != previous.get(name)]
    run.input_versions = silver_versions(lake.store, REWARD_RULES.table)
    run.input_versions |= {
        f"silver/{name}": version
        for provenance in current.values()
        for name, version in provenance.input_versions.items()
    }
    with run.stage("gold/totals before"):
        run.before = last_totals(lake.store) or totals(lake.store, models, views_dir=views_dir)
    incremental_rows = dict[str, DataFrame]()
    scaled_lake = with_scale_settings(lake, bulk_threshold)

    def overwrite_table(name: str) -> None:
        with run.stage(f"gold/{name}"):
            rows = incremental_rows.get(name)
            if rows is None:
                rows = models_by_name[name].current_rows(scaled_lake, book, run.as_of)
            lake.overwrite(rows, "gold", name, provenance=current[name].to_json())
        run.written_models.add(name)
        if name in run.foreign_tables:
            resolve_foreign_commits(lake.store, "gold", name, "computed again")

    try:
        incremental_from = baselines(stale, current, previous)
        affected: AffectedEmployees | None = None
        # Below this threshold, a full recompute is cheaper than finding the affected employees.
        if scaled_lake is not lake:
            with run.stage("gold/affected"):
                affected = find_affected(lake, run.as_of, models_by_name, incremental_from, max_affected)
                if affected:
                    incremental_rows |= compute_incrementally(lake, book, models_by_name, incremental_from, affected)
        with run.stage("proof"):
            run.proof.ensure_equal(
                run.input_offsets,
                lambda: _employees_to_prove(lake, stale, baselines(stale, current, stored), affected),
            )
        parallel_map(overwrite_table, stale)
    finally:
        with run.stage("gold/totals after"):
            run.after = totals(lake.store, models, views_dir=views_dir)


def _employees_to_prove(
    lake: Lake,
    stale: Sequence[str],
    incremental_from: Mapping[str, Provenance],
    affected: AffectedEmployees | None,
) -> Sequence[int] | None:
    """Return the employees whose figures the run may change; None where these may be all of them."""
    if len(incremental_from) < len(stale):
        return None
    since: dict[str, int] = {}
    for provenance in incremental_from.values():
        for table, version in provenance.input_versions.items():
            since[table] = min(version, since.get(table, version))
    covered = AFFECTED_BY_TABLES if affected else frozenset()
    changed = changed_employees(
        lake, {table: version for table, version in since.items() if table not in covered}, MAX_PROVED_EMPLOYEES
    )
    return None if changed is None else sorted({*changed, *(affected.ids if affected else ())})


def with_scale_settings(lake: Lake, bulk_threshold: int = BULK_THRESHOLD_ACTIVITIES) -> Lake:
    """Return the lake, with bulk settings where it has more than `bulk_threshold` activities."""
    return (
        lake.with_bulk_settings()
        if table_stats.row_count(lake.store, "silver", STRAVA_ACTIVITIES.table) > bulk_threshold
        else lake
    )
