"""The prime: who earns it, its amount, and the reason of a refusal."""

import random
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

import pytest
from pyspark.sql import DataFrame, Row, SparkSession

from lakehouse.gold.prime import PRIME_SPORTIVE
from spark.builders import (
    BY_BICYCLE,
    BY_BUS,
    BY_CAR,
    ON_FOOT,
    RULES,
    Fields,
    collect_by_key,
    distances,
    employees,
    rule_book,
)

NO_PRIME = Decimal("0.00")


def distance_row(employee_id: int, travel_mode: str, distance_m: int | None, **fields: Any) -> Fields:
    return {
        "origin_address": f"{employee_id} rue de l'Essai",
        "travel_mode": travel_mode,
        "distance_m": distance_m,
    } | fields


def primes(spark: SparkSession, employee_rows: list[Fields], distance_rows: list[Fields]) -> dict[int, Row]:
    return collect_by_key(
        prime_frame(employees(spark, *employee_rows), distances(spark, *distance_rows)), "employee_id"
    )


def prime_frame(employee_rows: DataFrame, distance_rows: DataFrame) -> DataFrame:
    tables = {"rh_employees": employee_rows, "distance_cache": distance_rows}
    return PRIME_SPORTIVE.rows(tables, rule_book(RULES), date(2026, 6, 1))


def test_prime_of_the_worked_example_by_bicycle(spark: SparkSession) -> None:
    staff = [{"id": 1, "salaire_brut": Decimal("52770.00"), "moyen_deplacement": BY_BICYCLE, "business_unit": "R&D"}]
    row = primes(spark, staff, [distance_row(1, "bicycling", 16_160)])[1]
    assert row.asDict() == {
        "employee_id": 1,
        "year": 2026,
        "business_unit": "R&D",
        "salaire_brut": 52770.0,
        "moyen_deplacement": BY_BICYCLE,
        "distance_km": 16.16,
        "distance_source": "estimate",
        "eligible": True,
        "motif": "eligible",
        "montant_prime": Decimal("2638.50"),
        "limite_km": 25.0,
        "montant_en_jeu": Decimal("2638.50"),
        "nb_a_l_adresse": 1,
    }


def test_distance_at_the_limit_is_eligible_and_one_metre_more_is_not(spark: SparkSession) -> None:
    cases = [(ON_FOOT, "walking", 15_000), (ON_FOOT, "walking", 15_001)]
    cases += [(BY_BICYCLE, "bicycling", 25_000), (BY_BICYCLE, "bicycling", 25_001)]
    rows = primes(
        spark,
        [{"id": n, "moyen_deplacement": mode} for n, (mode, _, _) in enumerate(cases)],
        [distance_row(n, travel, metres) for n, (_, travel, metres) in enumerate(cases)],
    )
    assert [rows[n].motif for n in range(4)] == ["eligible", "distance_incoherente", "eligible", "distance_incoherente"]
    assert [rows[n].eligible for n in range(4)] == [True, False, True, False]
    assert [rows[n].montant_prime for n in range(4)] == [Decimal("1500.00"), NO_PRIME, Decimal("1500.00"), NO_PRIME]
    assert rows[1].montant_en_jeu == Decimal("1500.00")


def test_ineligible_travel_mode_is_the_reason_before_any_distance(spark: SparkSession) -> None:
    modes = {1: BY_BUS, 2: BY_CAR, 3: "Trottinette volante", 4: None}
    rows = primes(
        spark,
        [{"id": n, "moyen_deplacement": mode} for n, mode in modes.items()],
        [distance_row(1, "transit", 90_000), distance_row(2, "driving", 1_000)],
    )
    assert {row.motif for row in rows.values()} == {"mode_non_eligible"}
    assert {(row.eligible, row.montant_prime, row.montant_en_jeu) for row in rows.values()} == {
        (False, NO_PRIME, NO_PRIME)
    }
    assert [rows[n].distance_km for n in modes] == [90.0, 1.0, None, None]


def test_missing_or_failed_distance_gives_no_prime_and_its_own_reason(spark: SparkSession) -> None:
    distance_rows = [
        distance_row(2, "bicycling", None, status="not_found"),
        distance_row(3, "bicycling", 5_000, status="failed", provider="google"),
        distance_row(4, "walking", 5_000),
        distance_row(5, "bicycling", 5_000, destination_address="ailleurs"),
    ]
    rows = primes(spark, [{"id": n} for n in range(1, 7)] + [{"id": 7, "adresse_complete": None}], distance_rows)
    assert {row.motif for row in rows.values()} == {"distance_inconnue"}
    assert {(row.eligible, row.montant_prime, row.distance_km, row.distance_source) for row in rows.values()} == {
        (False, NO_PRIME, None, None)
    }


def test_google_distance_overrides_the_estimate_even_when_it_failed(spark: SparkSession) -> None:
    distance_rows = [
        distance_row(1, "bicycling", 20_000, provider="google"),
        distance_row(1, "bicycling", 30_000),
        distance_row(2, "bicycling", 20_000),
        distance_row(2, "bicycling", 30_000, provider="google"),
        distance_row(3, "bicycling", 20_000),
        distance_row(3, "bicycling", None, provider="google", status="failed"),
        distance_row(4, "bicycling", 20_000, provider="google"),
        distance_row(4, "bicycling", None, status="not_found"),
    ]
    rows = primes(spark, [{"id": n} for n in range(1, 5)], distance_rows)
    assert [(rows[n].motif, rows[n].distance_source) for n in range(1, 5)] == [
        ("eligible", "google"),
        ("distance_incoherente", "google"),
        ("distance_inconnue", None),
        ("eligible", "google"),
    ]


def test_employees_at_one_address_get_the_distance_of_their_own_mode(spark: SparkSession) -> None:
    home = "3 place du Partage, 34000 Montpellier"
    modes = {1: ON_FOOT, 2: BY_BICYCLE, 3: BY_BICYCLE}
    rows = primes(
        spark,
        [{"id": n, "adresse_complete": home, "moyen_deplacement": mode} for n, mode in modes.items()],
        [
            {"origin_address": home, "travel_mode": "walking", "distance_m": 16_000},
            {"origin_address": home, "travel_mode": "bicycling", "distance_m": 17_000},
        ],
    )
    assert {row.nb_a_l_adresse for row in rows.values()} == {3}
    assert {n: (row.motif, row.distance_km) for n, row in rows.items()} == {
        1: ("distance_incoherente", 16.0),
        2: ("eligible", 17.0),
        3: ("eligible", 17.0),
    }


def test_prime_amount_is_rounded_half_up_from_decimals(spark: SparkSession) -> None:
    rng = random.Random(5)
    salaries = [Decimal("1000.10"), Decimal("1000.30"), Decimal("1000.50"), Decimal("9999999999.99")]
    salaries += [Decimal(rng.randrange(10**7)) / 100 for _ in range(300)]
    rows = primes(
        spark,
        [{"id": n, "salaire_brut": salary} for n, salary in enumerate(salaries)],
        [distance_row(n, "bicycling", 1_000) for n in range(len(salaries))],
    )
    cent = Decimal("0.01")
    assert {n: row.montant_prime for n, row in rows.items()} == {
        n: (salary * RULES.bonus_rate).quantize(cent, ROUND_HALF_UP) for n, salary in enumerate(salaries)
    }
    assert rows[0].montant_prime == Decimal("50.01")


@pytest.mark.parametrize("staff", [[], [{"id": 1}]])
def test_prime_columns_and_types_match_the_schema(spark: SparkSession, staff: list[Fields]) -> None:
    frame = prime_frame(employees(spark, *staff), distances(spark))
    assert dict(frame.dtypes) == dict(PRIME_SPORTIVE.schema)
    assert frame.columns == list(PRIME_SPORTIVE.schema)
    assert frame.count() == len(staff)
