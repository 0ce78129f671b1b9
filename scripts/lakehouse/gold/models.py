"""What each of Gold's tables is computed from, whole, or amended where few people are touched (law 7)."""

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from datetime import date
from typing import Any

from pyspark.sql import DataFrame

from lakehouse.cdc.catalog import Catalog
from lakehouse.cdc.lake import Lake
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
    """How one of Gold's tables is computed: of which of Silver's tables, and of what else it is a function.

    `amend` gives the table's rows from those that it has and the people touched since, where only Silver has changed
    or `day` has moved on.
    """

    input_tables: tuple[str, ...]
    parameters: Mapping[str, Any]
    compute: Callable[[Lake], DataFrame]
    day: date | None = None
    incremental: IncrementalUpdate | None = None

    def provenance(self, catalog: Catalog) -> Provenance:
        """Give what the figure is a function of, as it is now: the same inputs give the same rows."""
        versions = {name: catalog.last_data_version("silver", name) for name in self.input_tables}
        ids = {name: catalog.table_id("silver", name) for name in self.input_tables}
        parameters = json.dumps({**self.parameters, "tables": ids}, default=str, sort_keys=True)
        return Provenance(versions, self.day.isoformat() if self.day else "", parameters, code_version())


def build_models(book: RuleBook, as_of: date) -> Mapping[str, Model]:
    """Give Gold's tables, by name, as they are computed from Silver as it is."""
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
            # Once a month whole: what is wrong in a row, for whatever reason, is not kept for a year.
            {"rules": asdict(book), "window": month if rules.activity_window == "calendar_year" else as_of},
            lambda lake: wellbeing(lake.silver(employees), lake.silver(activities), book, as_of),
            as_of,
            lambda rows, people: wellbeing_incremental(rows, people, book),
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
