"""What-if scenarios: figures by other rules, compared with those of the real rules on the same rows."""

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
from lakehouse.contracts.ops import GoLive
from lakehouse.errors import BadInput
from lakehouse.gold.bitemporal import AsOf, StateAsOf, state_as_of
from lakehouse.gold.model import Schema, conform
from lakehouse.gold.prime import PRIME_SPORTIVE, with_bonus
from lakehouse.gold.rules import Rules, rules_until
from lakehouse.gold.wellbeing import WELLBEING, count_by_year, with_days_granted
from lakehouse.refresh.current import with_scale_settings
from lakehouse.refresh.runs import Run, silver_versions
from lakehouse.spark.literals import lit

RuleOverrides = Mapping[str, Any]  # changed values, by the rule's name
COMPARED_COLUMNS: Schema = {
    **{name: PRIME_SPORTIVE.schema[name] for name in ("eligible", "montant_prime")},
    "jours_bien_etre": WELLBEING.schema["jours_bien_etre"],
}
BASELINE = ""  # the real rules; no scenario can have this name
# One row per scenario and employee; `_reel` columns hold the figures by the real rules, from the same input rows.
SCENARIOS: Schema = {
    "scenario": "string",
    "as_of": "date",
    "regles": "string",
    **{name: PRIME_SPORTIVE.schema[name] for name in ("employee_id", "business_unit")},
    **{f"{name}{suffix}": kind for name, kind in COMPARED_COLUMNS.items() for suffix in ("", "_reel")},
    "known_at": "date",
    "distance_inconnue": "boolean",
}
INPUT_CONTRACTS = (RH_EMPLOYEES, STRAVA_ACTIVITIES, DISTANCE_CACHE, REWARD_RULES)


def what_if(
    lake: Lake,
    run: Run,
    scenarios: Mapping[str, RuleOverrides],
    time_point: AsOf | None = None,
    go_live: GoLive | None = None,
) -> None:
    """Compute the scenarios and replace earlier rows of the same names in gold.scenarios.

    A `time_point` selects the bitemporal state, else Silver's current rows are used. Nothing is computed where they
    read one of the run's stopped tables. Raises BadInput where no distance to a scenario's destination is known.
    """
    if not run.stopped_tables.isdisjoint(contract.table for contract in INPUT_CONTRACTS):
        return
    lake, run.scenarios = with_scale_settings(lake), scenarios
    state = state_as_of(lake, time_point, go_live) if time_point else _current_state(lake)
    run.known_at = time_point.known_at if time_point else None
    run.input_versions = silver_versions(
        lake.store, *(f"{contract.table}_versions" if time_point else contract.table for contract in INPUT_CONTRACTS)
    )
    require_distances(state.distances, scenarios)
    with run.stage("gold/rules"):
        run.rules = rules_until(state.reward_rules, run.as_of).current
    with run.stage("gold/scenarios"):
        names = ", ".join(f"'{name}'" for name in scenarios)
        compared = compare_to_baseline(state, run.rules, scenarios, run.as_of).withColumn("known_at", lit(run.known_at))
        lake.overwrite_where(conform(compared, SCENARIOS), "gold", "scenarios", f"scenario IN ({names})")


def require_distances(distances: DataFrame, scenarios: Mapping[str, RuleOverrides]) -> None:
    """Raise BadInput where no distance to a scenario's destination is known: its cost would be a plausible zero.

    The distance worker requests distances to the destination of the rules in force only.
    """
    destinations = {overrides["destination"] for overrides in scenarios.values() if "destination" in overrides}
    if not destinations:
        return
    destination = F.col("destination_address")
    if distances.where(destination.isin(*destinations) & (F.col("status") == "ok")).select(
        destination
    ).distinct().count() < len(destinations):
        raise BadInput(
            "--destination: no distance to this address is known, so every active commute would count as unknown. "
            "Write it exactly as in distance_cache.destination_address."
        )


def compare_to_baseline(
    state: StateAsOf, baseline: Rules, scenarios: Mapping[str, RuleOverrides], as_of: date
) -> DataFrame:
    """Return one row per scenario and employee, with its figures; `..._reel` columns are those of the real rules.

    Input rows are read and joined once, for all scenarios together.
    """
    rules_by_scenario = {BASELINE: baseline} | {
        name: replace(baseline, **overrides) for name, overrides in scenarios.items()
    }
    scenario_rules = _scenario_rules(state.employees, rules_by_scenario, scenarios)
    primes = with_bonus(state.employees.crossJoin(F.broadcast(scenario_rules)), state.distances)
    windows = sorted({rules.activity_window for rules in rules_by_scenario.values()})
    compared = primes.join(_days_by_scenario(state, scenario_rules, windows, as_of), ["scenario", "employee_id"])
    by_employee = Window.partitionBy("employee_id")
    baseline_columns = {
        f"{name}_reel": F.max(F.when(F.col("scenario") == BASELINE, F.col(name))).over(by_employee)
        for name in COMPARED_COLUMNS
    }
    context_columns = {"as_of": lit(as_of), "distance_inconnue": F.col("motif") == "distance_inconnue"}
    return compared.withColumns(baseline_columns).where(F.col("scenario") != BASELINE).withColumns(context_columns)


def _scenario_rules(
    rows: DataFrame, rules_by_scenario: Mapping[str, Rules], scenarios: Mapping[str, RuleOverrides]
) -> DataFrame:
    """Return one row per scenario: its name, its rules, and as JSON in `regles` the changed ones."""
    types = REWARD_RULES.columns
    structs = [
        F.struct(
            lit(name).alias("scenario"),
            lit(json.dumps(scenarios.get(name, {}), default=str)).alias("regles"),
            *(lit(value).cast(types[column]).alias(column) for column, value in asdict(rules).items()),
        )
        for name, rules in rules_by_scenario.items()
    ]
    return rows.sparkSession.range(1).select(F.inline(F.array(*structs)))


def _days_by_scenario(state: StateAsOf, scenario_rules: DataFrame, windows: list[str], as_of: date) -> DataFrame:
    """Return the days that each scenario grants each employee, for the year of `as_of`."""
    counts = reduce(
        DataFrame.unionByName,
        (
            count_by_year(state.employees, state.activities, window, as_of).withColumn("activity_window", lit(window))
            for window in windows
        ),
    ).where(F.col("year") == as_of.year)
    counts_with_rules = counts.join(F.broadcast(scenario_rules), "activity_window")
    return with_days_granted(counts_with_rules, F.col("min_activities"), F.col("wellbeing_days")).select(
        "scenario", "employee_id", "jours_bien_etre"
    )


def _current_state(lake: Lake) -> StateAsOf:
    return StateAsOf(*(lake.silver(contract) for contract in INPUT_CONTRACTS))
