"""What would it cost: figures by other rules, each beside the real one that the same rows give."""

import json
from collections.abc import Mapping
from dataclasses import asdict, replace
from datetime import date
from functools import reduce
from typing import Any

from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F

from lakehouse.cdc.lake import Lake
from lakehouse.contracts import DISTANCE_CACHE, REWARD_RULES, RH_EMPLOYEES, STRAVA_ACTIVITIES
from lakehouse.errors import BadInput
from lakehouse.gold.past import Held, Question, held
from lakehouse.gold.prime import rewarded
from lakehouse.gold.rules import Rules, rules_until
from lakehouse.gold.runs import Run, versions
from lakehouse.gold.tables import SCENARIOS, shaped
from lakehouse.gold.today import sized
from lakehouse.gold.wellbeing import done_by_year, granted
from lakehouse.source.recorded import GoLive

Changes = Mapping[str, Any]  # of rules, by their names
FIGURES = ("eligible", "montant_prime", "jours_bien_etre")
REAL = ""  # no scenario's name
READ = (RH_EMPLOYEES, STRAVA_ACTIVITIES, DISTANCE_CACHE, REWARD_RULES)


def what_if(
    lake: Lake, run: Run, asked: Mapping[str, Changes], question: Question | None = None, live: GoLive | None = None
) -> None:
    """Put each of the scenarios, by its name, in the place of an earlier one; no other table is written."""
    lake, run.scenarios = sized(lake), asked
    rows = held(lake, question, live) if question else _today(lake)
    run.known_at = question.known_at if question else None
    run.inputs = versions(lake.catalog, *(f"{one.table}_versions" if question else one.table for one in READ))
    _require_distances(rows.distances, asked)
    with run.stage("gold/rules"):
        run.rules = rules_until(rows.reward_rules, run.as_of).current
    with run.stage("gold/scenarios"):
        names = ", ".join(f"'{name}'" for name in asked)
        found = beside(rows, run.rules, asked, run.as_of).withColumn("known_at", F.lit(run.known_at))
        lake.put(shaped(found, SCENARIOS), "gold", "scenarios", f"scenario IN ({names})")


def _require_distances(distances: DataFrame, asked: Mapping[str, Changes]) -> None:
    """Raise BadInput for a destination that no distance is known to: nobody would get anything, and it would look so.

    Distances are looked for to the destination of the rules that hold, and to no other.
    """
    wanted = {changes["destination"] for changes in asked.values() if "destination" in changes}
    if not wanted:
        return
    to = F.col("destination_address")
    if distances.where(to.isin(*wanted) & (F.col("status") == "ok")).select(to).distinct().count() < len(wanted):
        raise BadInput(
            "--destination: no distance to this address is known, so every active commute would count as unknown. "
            "Write it as destination_address in distance_cache has it."
        )


def beside(rows: Held, real: Rules, asked: Mapping[str, Changes], as_of: date) -> DataFrame:
    """Give a row per scenario and employee: its figures and, as `..._reel`, those of the real rules.

    All in one pass: rows are read and joined once, and each is judged by every scenario's rules.
    """
    judged_by = {REAL: real} | {name: replace(real, **changes) for name, changes in asked.items()}
    variants = _variants(rows.employees, judged_by, asked)
    primes = rewarded(rows.employees.crossJoin(F.broadcast(variants)), rows.distances)
    windows = sorted({rules.activity_window for rules in judged_by.values()})
    together = primes.join(_days(rows, variants, windows, as_of), ["scenario", "employee_id"])
    of_each = Window.partitionBy("employee_id")
    reals = {f"{name}_reel": F.max(F.when(F.col("scenario") == REAL, F.col(name))).over(of_each) for name in FIGURES}
    told = {"as_of": F.lit(as_of), "distance_inconnue": F.col("motif") == "distance_inconnue"}
    return together.withColumns(reals).where(F.col("scenario") != REAL).withColumns(told)


def _variants(rows: DataFrame, judged_by: Mapping[str, Rules], asked: Mapping[str, Changes]) -> DataFrame:
    """Give the rules of each scenario, and what it changes, in a row of its name."""
    types = REWARD_RULES.columns
    structs = [
        F.struct(
            F.lit(name).alias("scenario"),
            F.lit(json.dumps(asked.get(name, {}), default=str)).alias("regles"),
            *(F.lit(value).cast(types[which]).alias(which) for which, value in asdict(rules).items()),
        )
        for name, rules in judged_by.items()
    ]
    return rows.sparkSession.range(1).select(F.inline(F.array(*structs)))


def _days(rows: Held, variants: DataFrame, windows: list[str], as_of: date) -> DataFrame:
    """Give the days that each scenario grants each employee, for as_of's year."""
    counts = reduce(
        DataFrame.unionByName,
        (
            done_by_year(rows.employees, rows.activities, window, as_of).withColumn("activity_window", F.lit(window))
            for window in windows
        ),
    ).where(F.col("year") == as_of.year)
    judged = counts.join(F.broadcast(variants), "activity_window")
    return granted(judged, F.col("min_activities"), F.col("wellbeing_days")).select(
        "scenario", "employee_id", "jours_bien_etre"
    )


def _today(lake: Lake) -> Held:
    return Held(*(lake.silver(one) for one in READ))
