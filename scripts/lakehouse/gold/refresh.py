"""A refresh: Silver brought up to one cut of the log, then every figure computed from it. Alone reads and writes."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import date, datetime
from functools import partial
from time import monotonic
from zoneinfo import ZoneInfo

from pyspark.sql import DataFrame

from lakehouse.cdc.catalog import Catalog
from lakehouse.cdc.lake import Lake
from lakehouse.cdc.side_by_side import each_or_why, side_by_side
from lakehouse.cdc.silver import Caught, catch_up, start_over
from lakehouse.contracts import CAPTURED, DISTANCE_CACHE, REWARD_RULES, RH_EMPLOYEES, STRAVA_ACTIVITIES
from lakehouse.errors import LakehouseError
from lakehouse.gold import runs
from lakehouse.gold.activities import activities_by_month
from lakehouse.gold.prime import prime
from lakehouse.gold.quality import quality
from lakehouse.gold.rules import Rules, rules_at
from lakehouse.gold.runs import RUNS, Run
from lakehouse.gold.tables import GOLD
from lakehouse.gold.wellbeing import wellbeing
from lakehouse.source.cut import Cut


def today() -> date:
    """Give the day that it is in Paris."""
    return datetime.now(ZoneInfo("Europe/Paris")).date()


def make_tables(catalog: Catalog) -> None:
    """Make Silver's and Gold's tables, empty, where they are not there yet."""
    catalog.make_quarantine()
    for contract in CAPTURED:
        catalog.make_silver(contract)
    for name, columns in {**GOLD, "runs": RUNS}.items():
        catalog.make("gold", name, columns)


def refresh(lake: Lake, cut: Cut, as_of: date, *, rebuild: bool = False) -> Run:
    """Bring Silver up to the cut and compute every figure of the day; the run is in gold.runs, also when it fails.

    `rebuild` empties Silver first and reads all of Bronze again, as a changed rule of a contract asks for.
    """
    run = Run(as_of, cut)
    try:
        if rebuild:
            with _stage(run, "start over"):
                side_by_side(partial(start_over, lake), CAPTURED)
        with _stage(run, "silver"):
            run.caught = _catch_up(lake, cut)
        with _stage(run, "gold"):
            _compute(lake, run)
        run.outcome = "ok"
    except BaseException as error:
        run.outcome = f"failed: {type(error).__name__}"
        raise
    finally:
        runs.write(lake, run)
    return run


def _catch_up(lake: Lake, cut: Cut) -> list[Caught]:
    """Bring every table up; what one of them refuses to do does not stop the others, and is told at the end."""
    found = each_or_why(lambda contract: catch_up(lake, contract, cut[contract.table]), CAPTURED)
    if errors := [error for error in found if isinstance(error, LakehouseError)]:
        raise LakehouseError("Gold was left as it was.\n" + "\n".join(map(str, errors)))
    return [caught for caught in found if isinstance(caught, Caught)]


def _compute(lake: Lake, run: Run) -> None:
    run.rules = rules_at(lake.silver(REWARD_RULES), run.as_of)
    computed = figures(lake, run.rules, run.as_of)
    side_by_side(lambda name: lake.replace(computed[name](), "gold", name), computed)


def figures(lake: Lake, rules: Rules, as_of: date) -> Mapping[str, Callable[[], DataFrame]]:
    """Give what computes each of Gold's tables, by name, from Silver as it is."""
    employees, activities = lake.silver(RH_EMPLOYEES), lake.silver(STRAVA_ACTIVITIES)
    return {
        "prime_sportive": lambda: prime(employees, lake.silver(DISTANCE_CACHE), rules, as_of.year),
        "wellbeing": lambda: wellbeing(employees, activities, rules, as_of),
        "activites_par_mois": lambda: activities_by_month(employees, activities, as_of),
        "qualite_donnees": lambda: quality(lake.quarantine()),
    }


@contextmanager
def _stage(run: Run, name: str) -> Iterator[None]:
    began = monotonic()
    try:
        yield
    finally:
        run.seconds[name] = monotonic() - began
