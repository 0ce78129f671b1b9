"""What each of Gold's tables is computed from, and whether that has changed since it was written (law 7).

A table carries what it was computed from in its own commit, so that the two cannot fall out of step.
"""

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

from pyspark.sql import DataFrame

from lakehouse.cdc.catalog import Catalog
from lakehouse.cdc.lake import Lake
from lakehouse.contracts import DISTANCE_CACHE, RH_EMPLOYEES, STRAVA_ACTIVITIES
from lakehouse.gold.activities import activities_by_unit
from lakehouse.gold.prime import prime
from lakehouse.gold.quality import quality
from lakehouse.gold.rules import Rules
from lakehouse.gold.wellbeing import wellbeing


@dataclass(frozen=True)
class Figure:
    """How one of Gold's tables is computed: of which of Silver's tables, and of what else it is a function."""

    reads: tuple[str, ...]
    given: Mapping[str, Any]
    compute: Callable[[], DataFrame]

    def inputs(self, catalog: Catalog) -> str:
        """Give what the figure is a function of as they are now, in JSON: the same inputs give the same rows."""
        versions = {name: catalog.version("silver", name) for name in self.reads}
        return json.dumps({"silver": versions, **self.given, "code": _code()}, default=str, sort_keys=True)


def figures(lake: Lake, rules: Rules, as_of: date) -> Mapping[str, Figure]:
    """Give Gold's tables, by name, as they are computed from Silver as it is."""
    employees, activities, distances = (one.table for one in (RH_EMPLOYEES, STRAVA_ACTIVITIES, DISTANCE_CACHE))

    def silver(name: str) -> DataFrame:
        return lake.read("silver", name)

    ruled = asdict(rules)
    return {
        "prime_sportive": Figure(
            (employees, distances),
            {"rules": ruled, "year": as_of.year},
            lambda: prime(silver(employees), silver(distances), rules, as_of.year),
        ),
        "wellbeing": Figure(
            (employees, activities),
            {"rules": ruled, "as_of": as_of},
            lambda: wellbeing(silver(employees), silver(activities), rules, as_of),
        ),
        "activites_par_bu": Figure(
            (employees, activities),
            {"as_of": as_of},
            lambda: activities_by_unit(silver(employees), silver(activities), as_of),
        ),
        "qualite_donnees": Figure(("quarantine",), {}, lambda: quality(lake.quarantine())),
    }


@cache
def _code() -> str:
    """Give what names this package's own text: a figure that is computed in another way is another figure."""
    files = sorted(Path(__file__).parent.glob("*.py"))
    return hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()[:16]
