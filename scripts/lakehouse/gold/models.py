"""Gold's models: each table's inputs, its full computation, and its incremental one where it has one (law 7)."""

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from datetime import date
from typing import Any

from pyspark.sql import DataFrame

from lakehouse.cdc import commit_log
from lakehouse.cdc.lake import Lake
from lakehouse.cdc.table_store import TableStore
from lakehouse.contracts import DISTANCE_CACHE, RH_EMPLOYEES, STRAVA_ACTIVITIES
from lakehouse.gold.activities import activity_breakdown, activity_breakdown_incremental
from lakehouse.gold.affected import AffectedEmployees
from lakehouse.gold.code_version import code_version
from lakehouse.gold.prime import prime
from lakehouse.gold.provenance import Provenance
from lakehouse.gold.quality import quality
from lakehouse.gold.rules import RuleBook
from lakehouse.gold.wellbeing import wellbeing, wellbeing_incremental

IncrementalUpdate = Callable[[DataFrame, AffectedEmployees], DataFrame]


@dataclass(frozen=True)
class Model:
    """How one Gold table is computed from Silver tables and parameters.

    `incremental` computes the rows from the table's current rows and the affected employees. It applies where only
    Silver changed or `day` advanced; None means always a full recompute.
    """

    input_tables: tuple[str, ...]
    parameters: Mapping[str, Any]
    compute: Callable[[Lake], DataFrame]
    day: date | None = None
    incremental: IncrementalUpdate | None = None

    def provenance(self, store: TableStore) -> Provenance:
        """Return the current versions of the inputs, parameters and code; equal provenance means equal rows."""
        versions = {name: commit_log.last_data_version(store, "silver", name) for name in self.input_tables}
        ids = {name: store.table_id("silver", name) for name in self.input_tables}
        parameters = json.dumps({**self.parameters, "tables": ids}, default=str, sort_keys=True)
        return Provenance(versions, self.day.isoformat() if self.day else "", parameters, code_version())


def build_models(book: RuleBook, as_of: date) -> Mapping[str, Model]:
    """Return the model of each Gold table, by table name, for the rules in force and the day."""
    employees, activities, distances = RH_EMPLOYEES, STRAVA_ACTIVITIES, DISTANCE_CACHE
    rules, month = book.current, as_of.replace(day=1)
    return {
        "prime_sportive": Model(
            (employees.table, distances.table),
            {"rules": asdict(rules), "year": as_of.year},
            lambda lake: prime(lake.silver(employees), lake.silver(distances), rules, as_of.year),
        ),
        "wellbeing": Model(
            (employees.table, activities.table),
            # The month among the parameters forces a full recompute each month, so no wrong row lasts a year.
            {"rules": asdict(book), "window": month if rules.activity_window == "calendar_year" else as_of},
            lambda lake: wellbeing(lake.silver(employees), lake.silver(activities), book, as_of),
            as_of,
            lambda rows, affected: wellbeing_incremental(rows, affected, book),
        ),
        "activites": Model(
            (employees.table, activities.table),
            {"month": month},
            lambda lake: activity_breakdown(lake.silver(employees), lake.silver(activities), as_of),
            as_of,
            activity_breakdown_incremental,
        ),
        "qualite_donnees": Model(("quarantine",), {}, lambda lake: quality(lake.quarantine())),
    }
