"""The figures of today, each from Silver as it is: those whose inputs have changed, by what has changed (law 7)."""

from collections.abc import Mapping
from datetime import date

from pyspark.sql import DataFrame

from lakehouse.cdc.lake import Lake
from lakehouse.cdc.side_by_side import side_by_side
from lakehouse.contracts import REWARD_RULES, STRAVA_ACTIVITIES
from lakehouse.gold.figures import Figure, figures
from lakehouse.gold.made_of import MadeOf
from lakehouse.gold.rules import rules_until
from lakehouse.gold.runs import Run, last_totals, versions
from lakehouse.gold.totals import totals
from lakehouse.gold.touched import touched

MANY = 200_000  # activities
OF_TOTALS = ("prime_sportive", "wellbeing")


def figures_of_the_day(lake: Lake, run: Run, *, full: bool = False) -> None:
    """Compute each figure whose inputs are not those that its table was computed from.

    `full` computes each from all of Silver, whatever it is made of; the rows are the same.
    """
    with run.stage("gold/rules"):
        book = rules_until(lake.silver(REWARD_RULES), run.as_of)
        run.rules = book.current
    wanted = figures(book, run.as_of)
    now = {name: figure.inputs(lake.catalog) for name, figure in wanted.items()}
    made = {} if full else {name: MadeOf.read(lake.catalog.made_of("gold", name)) for name in wanted}
    stale = [name for name in wanted if now[name] != made.get(name)]
    run.inputs = versions(lake.catalog, REWARD_RULES.table)
    run.inputs |= {f"silver/{name}": version for one in now.values() for name, version in one.silver.items()}
    with run.stage("gold/totals before"):
        run.before = last_totals(lake.catalog) or totals(lake.catalog, *OF_TOTALS)
    amended: Mapping[str, DataFrame] = {}
    whole = sized(lake)

    def put(name: str) -> None:
        with run.stage(f"gold/{name}"):
            rows = amended[name] if name in amended else wanted[name].compute(whole)
            lake.replace(rows, "gold", name, made_of=now[name].text())

    try:
        # A short history is computed sooner than it is told who is touched.
        if whole is not lake:
            with run.stage("gold/touched"):
                follow = {name: since for name in stale if (since := made.get(name)) and now[name].follows(since)}
                amended = _amended(lake, run.as_of, wanted, follow)
        side_by_side(put, stale)
    finally:
        with run.stage("gold/totals after"):
            run.after = totals(lake.catalog, *OF_TOTALS)


def sized(lake: Lake) -> Lake:
    """Give the lake with the settings for the length of its history."""
    return lake.in_bulk() if lake.catalog.rows("silver", STRAVA_ACTIVITIES.table) > MANY else lake


def _amended(
    lake: Lake, as_of: date, wanted: Mapping[str, Figure], made: Mapping[str, MadeOf]
) -> Mapping[str, DataFrame]:
    """Give the rows of the figures that can be amended, where few people are touched since they were made."""
    amends = {name: amend for name in made if (amend := wanted[name].amend)}
    # They are made of the same, but for one that a run was killed before.
    since = [*{(str(made[name].silver), made[name].day): made[name] for name in amends}.values()]
    if len(since) != 1 or (people := touched(lake, since[0], as_of)) is None:
        return {}
    return {name: amend(lake.read("gold", name), people) for name, amend in amends.items()}
