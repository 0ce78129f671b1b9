"""Figures as of one day, as known on another, in Gold tables of their own."""

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from lakehouse.cdc.lake import Lake
from lakehouse.cdc.merge.enrichment import materialize
from lakehouse.contracts import CAPTURED
from lakehouse.gold.bitemporal import AsOf, state_as_of
from lakehouse.gold.prime import prime
from lakehouse.gold.rules import rules_until
from lakehouse.gold.tables import ON_DEMAND, conform
from lakehouse.gold.totals import totals
from lakehouse.gold.wellbeing import wellbeing
from lakehouse.refresh.current import with_scale_settings
from lakehouse.refresh.runs import Run, silver_versions
from lakehouse.source.go_live import GoLive
from lakehouse.spark.parallel import parallel_map

AS_OF_TOTALS_TABLES = ("prime_sportive_au", "wellbeing_au")


def figures_as_of(lake: Lake, run: Run, time_point: AsOf, go_live: GoLive | None) -> None:
    """Compute the figures as of a time point and replace its earlier rows; current figures stay unchanged."""
    lake, run.known_at = with_scale_settings(lake), time_point.known_at
    run.input_versions = silver_versions(lake.store, *(f"{contract.table}_versions" for contract in CAPTURED))
    predicate = time_point.predicate()
    state = state_as_of(lake, time_point, go_live)
    employees = materialize(state.employees)
    with run.stage("gold/rules"):
        book = rules_until(state.reward_rules, time_point.valid_at)
        run.rules = book.current
    days = wellbeing(employees, state.activities, book, time_point.valid_at)
    figures: dict[str, DataFrame] = {
        "prime_sportive_au": prime(employees, state.distances, book.current, time_point.valid_at.year),
        "wellbeing_au": days.where(F.col("year") == time_point.valid_at.year),
    }
    run.before = totals(lake.store, *AS_OF_TOTALS_TABLES, where=predicate)

    def overwrite_table(name: str) -> None:
        rows = figures[name].withColumns({column: F.lit(day) for column, day in time_point.columns().items()})
        with run.stage(f"gold/{name}"):
            lake.overwrite_where(conform(rows, ON_DEMAND[name][0]), "gold", name, predicate)

    parallel_map(overwrite_table, figures)
    run.after = totals(lake.store, *AS_OF_TOTALS_TABLES, where=predicate)
