"""What-if scenarios: the figures under other rules, compared with those under the rules in force."""

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from decimal import Decimal
from functools import partial
from pathlib import Path
from random import Random
from typing import Any

import pytest
from pyspark.sql import DataFrame, Row, SparkSession
from pyspark.sql import functions as F

from lakehouse.cdc import commit_log
from lakehouse.cdc.lake import Lake
from lakehouse.cdc.table_store import TableStore
from lakehouse.errors import BadInput
from lakehouse.gold.bitemporal import AsOf, StateAsOf
from lakehouse.gold.prime import prime
from lakehouse.gold.wellbeing import wellbeing
from lakehouse.refresh.refresh import refresh
from lakehouse.refresh.scenarios import compare_to_baseline, require_distances, what_if
from lakehouse.refresh.table_setup import create_tables
from spark.builders import (
    BY_BICYCLE,
    BY_BUS,
    NO_OFFSETS,
    ON_FOOT,
    RULES,
    Fields,
    activities,
    collect_by_key,
    distances,
    employees,
    reward_rules,
    rule_book,
    utc,
)
from spark.versions_builder import GO_LIVE, JULY, JUNE, VersionsBuilder, distance, employee, rule

DAY = date(2026, 11, 21)
EMPLOYEE_COUNT = 12


@pytest.fixture(scope="module")
def state(spark: SparkSession) -> StateAsOf:
    rng = Random(3)
    modes = [rng.choice([ON_FOOT, BY_BICYCLE, BY_BUS]) for _ in range(EMPLOYEE_COUNT)]
    employee_rows = [
        {"id": n, "moyen_deplacement": mode, "salaire_brut": Decimal(rng.randrange(2_000_000, 6_000_000)) / 100}
        for n, mode in enumerate(modes)
    ]
    distance_rows = [
        {
            "origin_address": f"{n} rue de l'Essai",
            "travel_mode": "walking" if mode == ON_FOOT else "bicycling",
            "distance_m": rng.randrange(5_000, 35_000),
        }
        for n, mode in enumerate(modes)
    ]
    months = [*range(2026_01, 2026_11), 2025_12, 2025_12, 2025_12, 2025_06]
    starts = [f"{month // 100}-{month % 100:02}-10 10:00" for month in months for _ in range(13)]
    activity_rows = [{"employee_id": rng.randrange(EMPLOYEE_COUNT), "start_date_utc": utc(start)} for start in starts]
    return StateAsOf(
        *(
            frame.localCheckpoint()
            for frame in (
                employees(spark, *employee_rows),
                activities(spark, *activity_rows),
                distances(spark, *distance_rows),
                reward_rules(spark, {"valid_from": date(2000, 1, 1)}),
            )
        )
    )


def compare_scenarios(state: StateAsOf, **scenarios: Mapping[str, Any]) -> dict[tuple[str, int], Row]:
    return collect_by_key(compare_to_baseline(state, RULES, scenarios, DAY), "scenario", "employee_id")


def test_scenario_with_unchanged_rules_equals_the_baseline(state: StateAsOf) -> None:
    compared = compare_scenarios(state, same={"bonus_rate": RULES.bonus_rate})
    baseline = collect_by_key(prime(state.employees, state.distances, RULES, DAY.year), "employee_id")
    days = collect_by_key(
        wellbeing(state.employees, state.activities, rule_book(RULES), DAY).where("year = 2026"), "employee_id"
    )
    assert len(compared) == EMPLOYEE_COUNT
    assert any(row.jours_bien_etre for row in compared.values())
    for (_, employee_id), row in compared.items():
        assert row.montant_prime == row.montant_prime_reel == baseline[employee_id].montant_prime
        assert row.eligible == row.eligible_reel == baseline[employee_id].eligible
        assert row.jours_bien_etre == row.jours_bien_etre_reel == days[employee_id].jours_bien_etre


def test_scenarios_computed_together_equal_each_computed_alone(state: StateAsOf) -> None:
    scenarios: dict[str, dict[str, Any]] = {
        "rate": {"bonus_rate": Decimal("0.0633")},
        "near": {"walk_limit_m": 100, "bike_limit_m": 100},
        "many": {"min_activities": 8, "wellbeing_days": 3},
        "year": {"activity_window": "rolling_12_months"},
        "else": {"destination": "ailleurs"},
    }
    compared = compare_scenarios(state, **scenarios)
    for name, changes in scenarios.items():
        rules = replace(RULES, **changes)
        alone = collect_by_key(prime(state.employees, state.distances, rules, DAY.year), "employee_id")
        days = wellbeing(state.employees, state.activities, rule_book(rules), DAY).where("year = 2026")
        wellbeing_days = collect_by_key(days, "employee_id")
        for employee_id in range(EMPLOYEE_COUNT):
            assert compared[name, employee_id].montant_prime == alone[employee_id].montant_prime
            assert compared[name, employee_id].jours_bien_etre == wellbeing_days[employee_id].jours_bien_etre
    changed = {name for (name, _), row in compared.items() if row.montant_prime != row.montant_prime_reel}
    assert changed == {"rate", "near", "else"}
    assert {name for (name, _), row in compared.items() if row.jours_bien_etre != row.jours_bien_etre_reel} == {
        "many",
        "year",
    }


def test_a_higher_rate_or_a_wider_limit_never_lowers_a_cost(state: StateAsOf) -> None:
    rates = {f"r{n:02}": {"bonus_rate": Decimal(n) / 200} for n in range(21)}
    limits = {f"l{n:02}": {"walk_limit_m": 2_000 * n, "bike_limit_m": 2_000 * n} for n in range(1, 21)}
    compared = compare_scenarios(state, **rates, **limits)
    for names in (sorted(rates), sorted(limits)):
        for employee_id in range(EMPLOYEE_COUNT):
            costs = [compared[name, employee_id].montant_prime for name in names]
            assert costs == sorted(costs)
        totals = [
            sum(compared[name, employee_id].montant_prime for employee_id in range(EMPLOYEE_COUNT)) for name in names
        ]
        assert totals[0] < totals[-1]


def test_one_more_activity_never_reduces_wellbeing_days(state: StateAsOf, spark: SparkSession) -> None:
    one_more = activities(
        spark, *({"employee_id": n, "start_date_utc": utc("2026-11-01 10:00")} for n in range(EMPLOYEE_COUNT))
    )
    for window in ("calendar_year", "rolling_12_months"):
        rules = rule_book(replace(RULES, activity_window=window, min_activities=10))

        def days(activity_rows: DataFrame, rules: Any = rules) -> dict[int, Row]:
            return collect_by_key(
                wellbeing(state.employees, activity_rows, rules, DAY).where("year = 2026"), "employee_id"
            )

        before, after = days(state.activities), days(state.activities.unionByName(one_more))
        assert all(
            after[employee_id].jours_bien_etre >= before[employee_id].jours_bien_etre
            for employee_id in range(EMPLOYEE_COUNT)
        )
        assert all(
            after[employee_id].nb_activities_year == before[employee_id].nb_activities_year + 1
            for employee_id in range(EMPLOYEE_COUNT)
        )


@pytest.mark.long
def test_scenario_run_writes_only_the_scenarios_table_and_is_repeatable(
    spark: SparkSession, state: StateAsOf, tmp_path: Path
) -> None:
    lake = Lake(spark, TableStore(str(tmp_path)))
    create_tables(lake.store)
    silver = {"rh_employees": state.employees, "strava_activities": state.activities}
    silver |= {"distance_cache": state.distances, "reward_rules": state.reward_rules}
    for name, frame in silver.items():
        lake.append(frame, "silver", name)
    refresh(lake, NO_OFFSETS, DAY)
    others = ("prime_sportive", "wellbeing", "activites", "prime_sportive_au", "wellbeing_au")
    before = {name: commit_log.last_data_version(lake.store, "gold", name) for name in others}

    def run_scenarios(**scenarios: Mapping[str, Any]) -> list[Row]:
        refresh(lake, NO_OFFSETS, DAY, lambda lake, run: what_if(lake, run, scenarios))
        return sorted(lake.read("gold", "scenarios").collect())

    first = run_scenarios(taux6={"bonus_rate": Decimal("0.06")}, taux7={"bonus_rate": Decimal("0.07")})
    assert len(first) == 2 * EMPLOYEE_COUNT
    assert run_scenarios(taux6={"bonus_rate": Decimal("0.06")}) == first
    again = run_scenarios(taux7={"bonus_rate": Decimal("0.08")})
    assert [row for row in again if row.scenario == "taux6"] == [row for row in first if row.scenario == "taux6"]
    assert {row.regles for row in again if row.scenario == "taux7"} == {'{"bonus_rate": "0.08"}'}
    assert before == {name: commit_log.last_data_version(lake.store, "gold", name) for name in others}
    journal = lake.read("gold", "runs").orderBy(F.col("started_at").desc()).first()
    assert journal
    assert (journal.scenarios, journal.outcome) == ('{"taux7": {"bonus_rate": "0.08"}}', "ok")
    assert json.loads(journal.input_versions) == {
        f"silver/{name}": commit_log.last_data_version(lake.store, "silver", name) for name in silver
    }


@pytest.mark.long
def test_scenario_as_of_a_day_uses_what_was_known_then(spark: SparkSession, tmp_path: Path) -> None:
    lake = Lake(spark, TableStore(str(tmp_path)))
    create_tables(lake.store)
    versions, home = VersionsBuilder(lake), "1 rue de l'Essai"
    versions.commit("2026-01-15 11:00", employee("r", 1, adresse_complete=home), rule("r", date(2000, 1, 1), "0.05"))
    route = {"origin_address": home, "destination_address": RULES.destination, "travel_mode": "walking"}
    versions.commit("2026-01-15 11:00", distance("r", 900, provider="estimate", **route))
    raised: Fields = {"salaire_brut": Decimal("40000.00"), "valable_depuis": date(2026, 6, 1)}
    versions.commit("2026-07-10 10:00", employee("u", 1, adresse_complete=home, **raised))
    lake = versions.write()
    for known_at in (JUNE, JULY):
        scenarios, as_of = {f"{known_at}": {"bonus_rate": Decimal("0.06")}}, AsOf(JUNE, known_at)
        refresh(lake, NO_OFFSETS, JUNE, partial(what_if, scenarios=scenarios, time_point=as_of, go_live=GO_LIVE))
    rows = lake.read("gold", "scenarios").collect()
    assert {(row.known_at, row.montant_prime, row.montant_prime_reel) for row in rows} == {
        (JUNE, Decimal("1800.00"), Decimal("1500.00")),
        (JULY, Decimal("2400.00"), Decimal("2000.00")),
    }


def test_scenario_destination_without_distances_is_refused_without_showing_it(state: StateAsOf) -> None:
    require_distances(state.distances, {"here": {"destination": RULES.destination}, "else": {"bonus_rate": Decimal(0)}})
    with pytest.raises(BadInput, match="no distance to this address is known") as refused:
        require_distances(state.distances, {"there": {"destination": "3 rue d'Ailleurs, 34000 Montpellier"}})
    assert "Ailleurs" not in str(refused.value)
