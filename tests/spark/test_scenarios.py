"""What if: the same rows judged by other rules, beside what the real ones give."""

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

from lakehouse.cdc.catalog import Catalog
from lakehouse.cdc.lake import Lake
from lakehouse.errors import BadInput
from lakehouse.gold.past import Held, Question
from lakehouse.gold.prime import prime
from lakehouse.gold.refresh import make_tables, refresh
from lakehouse.gold.scenarios import _require_distances, beside, what_if
from lakehouse.gold.wellbeing import wellbeing
from spark.builders import (
    BY_BICYCLE,
    BY_BUS,
    NOTHING,
    ON_FOOT,
    RULES,
    Fields,
    activities,
    always,
    collected,
    distances,
    employees,
    reward_rules,
    utc,
)
from spark.past import JULY, JUNE, LIVE, Past, distance, employee, rule

DAY = date(2026, 11, 21)
PEOPLE = 12


@pytest.fixture(scope="module")
def rows(spark: SparkSession) -> Held:
    chance = Random(3)
    modes = [chance.choice([ON_FOOT, BY_BICYCLE, BY_BUS]) for _ in range(PEOPLE)]
    staff = [
        {"id": n, "moyen_deplacement": mode, "salaire_brut": Decimal(chance.randrange(2_000_000, 6_000_000)) / 100}
        for n, mode in enumerate(modes)
    ]
    answers = [
        {
            "origin_address": f"{n} rue de l'Essai",
            "travel_mode": "walking" if mode == ON_FOOT else "bicycling",
            "distance_m": chance.randrange(5_000, 35_000),
        }
        for n, mode in enumerate(modes)
    ]
    months = [*range(2026_01, 2026_11), 2025_12, 2025_12, 2025_12, 2025_06]
    starts = [f"{month // 100}-{month % 100:02}-10 10:00" for month in months for _ in range(13)]
    done = [{"employee_id": chance.randrange(PEOPLE), "start_date_utc": utc(start)} for start in starts]
    return Held(
        *(
            frame.localCheckpoint()
            for frame in (
                employees(spark, *staff),
                activities(spark, *done),
                distances(spark, *answers),
                reward_rules(spark, {"valid_from": date(2000, 1, 1)}),
            )
        )
    )


def figures(rows: Held, **scenarios: Mapping[str, Any]) -> dict[tuple[str, int], Row]:
    return collected(beside(rows, RULES, scenarios, DAY), "scenario", "employee_id")


def test_a_scenario_of_the_rules_that_hold_gives_the_figures_of_the_day(rows: Held) -> None:
    found = figures(rows, same={"bonus_rate": RULES.bonus_rate})
    real = collected(prime(rows.employees, rows.distances, RULES, DAY.year), "employee_id")
    days = collected(wellbeing(rows.employees, rows.activities, always(RULES), DAY).where("year = 2026"), "employee_id")
    assert len(found) == PEOPLE
    assert any(row.jours_bien_etre for row in found.values())
    for (_, who), row in found.items():
        assert row.montant_prime == row.montant_prime_reel == real[who].montant_prime
        assert row.eligible == row.eligible_reel == real[who].eligible
        assert row.jours_bien_etre == row.jours_bien_etre_reel == days[who].jours_bien_etre


def test_each_scenario_is_what_its_rules_alone_would_give(rows: Held) -> None:
    asked: dict[str, dict[str, Any]] = {
        "rate": {"bonus_rate": Decimal("0.0633")},
        "near": {"walk_limit_m": 100, "bike_limit_m": 100},
        "many": {"min_activities": 8, "wellbeing_days": 3},
        "year": {"activity_window": "rolling_12_months"},
        "else": {"destination": "ailleurs"},
    }
    found = figures(rows, **asked)
    for name, changes in asked.items():
        rules = replace(RULES, **changes)
        alone = collected(prime(rows.employees, rows.distances, rules, DAY.year), "employee_id")
        days = wellbeing(rows.employees, rows.activities, always(rules), DAY).where("year = 2026")
        granted = collected(days, "employee_id")
        for who in range(PEOPLE):
            assert found[name, who].montant_prime == alone[who].montant_prime
            assert found[name, who].jours_bien_etre == granted[who].jours_bien_etre
    changed = {name for (name, _), row in found.items() if row.montant_prime != row.montant_prime_reel}
    assert changed == {"rate", "near", "else"}
    assert {name for (name, _), row in found.items() if row.jours_bien_etre != row.jours_bien_etre_reel} == {
        "many",
        "year",
    }


def test_a_higher_rate_or_a_wider_limit_never_lowers_a_cost(rows: Held) -> None:
    rates = {f"r{n:02}": {"bonus_rate": Decimal(n) / 200} for n in range(21)}
    limits = {f"l{n:02}": {"walk_limit_m": 2_000 * n, "bike_limit_m": 2_000 * n} for n in range(1, 21)}
    found = figures(rows, **rates, **limits)
    for names in (sorted(rates), sorted(limits)):
        for who in range(PEOPLE):
            costs = [found[name, who].montant_prime for name in names]
            assert costs == sorted(costs)
        totals = [sum(found[name, who].montant_prime for who in range(PEOPLE)) for name in names]
        assert totals[0] < totals[-1]


def test_one_more_activity_never_takes_a_day_away(rows: Held, spark: SparkSession) -> None:
    one_more = activities(
        spark, *({"employee_id": n, "start_date_utc": utc("2026-11-01 10:00")} for n in range(PEOPLE))
    )
    for window in ("calendar_year", "rolling_12_months"):
        rules = always(replace(RULES, activity_window=window, min_activities=10))

        def days(done: DataFrame, rules: Any = rules) -> dict[int, Row]:
            return collected(wellbeing(rows.employees, done, rules, DAY).where("year = 2026"), "employee_id")

        before, after = days(rows.activities), days(rows.activities.unionByName(one_more))
        assert all(after[who].jours_bien_etre >= before[who].jours_bien_etre for who in range(PEOPLE))
        assert all(after[who].nb_activities_year == before[who].nb_activities_year + 1 for who in range(PEOPLE))


@pytest.mark.long
def test_it_writes_its_own_table_only_and_again_the_same(spark: SparkSession, rows: Held, tmp_path: Path) -> None:
    lake = Lake(spark, Catalog(str(tmp_path)))
    make_tables(lake.catalog)
    silver = {"rh_employees": rows.employees, "strava_activities": rows.activities}
    silver |= {"distance_cache": rows.distances, "reward_rules": rows.reward_rules}
    for name, frame in silver.items():
        lake.append(frame, "silver", name)
    refresh(lake, NOTHING, DAY)
    others = ("prime_sportive", "wellbeing", "activites", "prime_sportive_au", "wellbeing_au")
    before = {name: lake.catalog.version("gold", name) for name in others}

    def ask(**asked: Mapping[str, Any]) -> list[Row]:
        refresh(lake, NOTHING, DAY, lambda lake, run: what_if(lake, run, asked))
        return sorted(lake.read("gold", "scenarios").collect())

    first = ask(taux6={"bonus_rate": Decimal("0.06")}, taux7={"bonus_rate": Decimal("0.07")})
    assert len(first) == 2 * PEOPLE
    assert ask(taux6={"bonus_rate": Decimal("0.06")}) == first
    again = ask(taux7={"bonus_rate": Decimal("0.08")})
    assert [row for row in again if row.scenario == "taux6"] == [row for row in first if row.scenario == "taux6"]
    assert {row.regles for row in again if row.scenario == "taux7"} == {'{"bonus_rate": "0.08"}'}
    assert before == {name: lake.catalog.version("gold", name) for name in others}
    journal = lake.read("gold", "runs").orderBy(F.col("started_at").desc()).first()
    assert journal
    assert (journal.scenarios, journal.outcome) == ('{"taux7": {"bonus_rate": "0.08"}}', "ok")
    assert json.loads(journal.inputs) == {f"silver/{name}": lake.catalog.version("silver", name) for name in silver}


@pytest.mark.long
def test_a_scenario_of_another_day_is_of_what_was_known_then(spark: SparkSession, tmp_path: Path) -> None:
    lake = Lake(spark, Catalog(str(tmp_path)))
    make_tables(lake.catalog)
    past, home = Past(lake), "1 rue de l'Essai"
    past.commit("2026-01-15 11:00", employee("r", 1, adresse_complete=home), rule("r", date(2000, 1, 1), "0.05"))
    route = {"origin_address": home, "destination_address": RULES.destination, "travel_mode": "walking"}
    past.commit("2026-01-15 11:00", distance("r", 900, provider="estimate", **route))
    raised: Fields = {"salaire_brut": Decimal("40000.00"), "valable_depuis": date(2026, 6, 1)}
    past.commit("2026-07-10 10:00", employee("u", 1, adresse_complete=home, **raised))
    lake = past.written()
    for known_at in (JUNE, JULY):
        asked, question = {f"{known_at}": {"bonus_rate": Decimal("0.06")}}, Question(JUNE, known_at)
        refresh(lake, NOTHING, JUNE, partial(what_if, asked=asked, question=question, live=LIVE))
    found = lake.read("gold", "scenarios").collect()
    assert {(row.known_at, row.montant_prime, row.montant_prime_reel) for row in found} == {
        (JUNE, Decimal("1800.00"), Decimal("1500.00")),
        (JULY, Decimal("2400.00"), Decimal("2000.00")),
    }


def test_a_destination_that_no_distance_is_known_to_is_refused_and_not_written_in_the_error(rows: Held) -> None:
    _require_distances(rows.distances, {"here": {"destination": RULES.destination}, "else": {"bonus_rate": Decimal(0)}})
    with pytest.raises(BadInput, match="no distance to this address is known") as refused:
        _require_distances(rows.distances, {"there": {"destination": "3 rue d'Ailleurs, 34000 Montpellier"}})
    assert "Ailleurs" not in str(refused.value)
