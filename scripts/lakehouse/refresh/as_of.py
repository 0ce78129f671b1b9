"""Figures as of one day, as known on another, in Gold tables of their own."""

from collections.abc import Sequence
from pathlib import Path

from pyspark.sql import functions as F

from lakehouse.cdc.lake import Lake
from lakehouse.contracts import CAPTURED, RH_EMPLOYEES
from lakehouse.contracts.ops import GoLive
from lakehouse.gold.bitemporal import AsOf, state_as_of
from lakehouse.gold.model import Model, conform
from lakehouse.gold.models import MODELS
from lakehouse.gold.rules import rules_until
from lakehouse.gold.totals import totals
from lakehouse.gold.views import VIEWS_DIR
from lakehouse.refresh.current import with_scale_settings
from lakehouse.refresh.runs import Run, silver_versions
from lakehouse.spark.literals import lit
from lakehouse.spark.materialize import materialize
from lakehouse.spark.parallel import parallel_map


def figures_as_of(
    lake: Lake,
    run: Run,
    time_point: AsOf,
    go_live: GoLive | None,
    *,
    models: Sequence[Model] = MODELS,
    views_dir: Path = VIEWS_DIR,
) -> None:
    """Compute the figures as of a time point and replace its earlier rows; current figures stay unchanged.

    Of a figure that has rows of several years, those of the day's year are kept.
    """
    lake, run.known_at = with_scale_settings(lake), time_point.known_at
    run.input_versions = silver_versions(lake.store, *(f"{contract.table}_versions" for contract in CAPTURED))
    state = state_as_of(lake, time_point, go_live)
    tables = {**state.by_table(), RH_EMPLOYEES.table: materialize(state.employees)}
    with run.stage("gold/rules"):
        book = rules_until(state.reward_rules, time_point.valid_at)
        run.rules = book.current
    run.before = totals(lake.store, models, time_point, views_dir)

    def overwrite_table(model: Model) -> None:
        rows = model.rows(tables, book, time_point.valid_at)
        if "year" in model.schema:
            rows = rows.where(F.col("year") == time_point.valid_at.year)
        rows = rows.withColumns({column: lit(day) for column, day in time_point.columns().items()})
        with run.stage(f"gold/{model.as_of_name}"):
            lake.overwrite_where(conform(rows, model.as_of_schema), "gold", model.as_of_name, time_point.predicate())

    computed = [model for model in models if not model.reads_any(run.stopped_tables, book, time_point.valid_at)]
    parallel_map(overwrite_table, [model for model in computed if model.has_as_of_table])
    run.after = totals(lake.store, models, time_point, views_dir)
