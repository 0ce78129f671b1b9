"""The views show the rows of Gold's tables, under the names and types that reports depend on."""

import json
from collections import Counter
from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from lakehouse.cdc.table_store import TableStore
from lakehouse.gold.activities import ACTIVITES
from lakehouse.gold.bitemporal import AsOf, StateAsOf
from lakehouse.gold.doubles import doubles
from lakehouse.gold.model import conform
from lakehouse.gold.prime import PRIME_SPORTIVE
from lakehouse.gold.quality import QUALITE_DONNEES
from lakehouse.gold.totals import totals
from lakehouse.gold.views import DATABASES, load_views
from lakehouse.gold.wellbeing import WELLBEING
from lakehouse.refresh.scenarios import SCENARIOS, compare_to_baseline
from lakehouse.refresh.table_setup import create_tables
from lakehouse.spark.literals import lit
from spark.builders import (
    BY_BICYCLE,
    BY_CAR,
    ON_FOOT,
    RULES,
    activities,
    collect_by_key,
    daily_activities,
    distances,
    employees,
    reward_rules,
    rule_book,
    utc,
)

TODAY = date(2026, 11, 21)
TIME_POINTS = (AsOf(date(2026, 11, 20), TODAY), AsOf(TODAY, TODAY))  # the figures of today, stored for both
PUBLISHED_VIEWS = json.loads((Path(__file__).parents[1] / "support/published_views.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def lake_root(tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(tmp_path_factory.mktemp("lake"))


@pytest.fixture(scope="module")
def empty_row_counts(spark: SparkSession, lake_root: str) -> Iterator[dict[str, int]]:
    """Create the views over Gold's empty tables, then fill the tables; yield each view's row count before that."""
    create_tables(TableStore(lake_root))
    assert {*totals(TableStore(lake_root)).values()} == {0}
    for database in DATABASES:
        spark.sql(f"CREATE DATABASE {database}")
    try:
        journal = Path(lake_root, "access")
        journal.mkdir()
        for view in load_views(lake_root, journal=str(journal)):
            spark.sql(view.sql)
        empty_row_counts = {view.name: spark.table(view.name).count() for view in load_views(lake_root)}
        fill_gold(spark, lake_root)
        yield empty_row_counts
    finally:
        for database in DATABASES:
            spark.sql(f"DROP DATABASE {database} CASCADE")


def test_views_over_empty_gold_tables_have_no_rows_and_the_published_columns_types_and_comments(
    spark: SparkSession, empty_row_counts: dict[str, int]
) -> None:
    assert set(empty_row_counts.values()) == {0}
    for view, published in PUBLISHED_VIEWS.items():
        described = spark.sql(f"DESCRIBE TABLE EXTENDED gold.{view}").collect()
        columns = [[row.col_name, row.data_type, row.comment] for row in described[: len(published["columns"])]]
        assert columns == published["columns"], view
        assert spark.table(f"gold.{view}").columns == [name for name, _, _ in columns]
        assert [row.data_type for row in described if row.col_name == "Comment"] == [published["comment"]]


def overwrite(rows: DataFrame, path: str) -> None:
    rows.write.format("delta").mode("overwrite").save(path)


def fill_gold(spark: SparkSession, lake: str) -> None:
    employee_rows = employees(
        spark,
        {"id": 1, "business_unit": "Ventes", "salaire_brut": Decimal("1000.10"), "moyen_deplacement": BY_BICYCLE},
        {"id": 2, "business_unit": "Ventes", "salaire_brut": Decimal("1000.10"), "moyen_deplacement": BY_BICYCLE},
        {"id": 3, "business_unit": None, "moyen_deplacement": ON_FOOT},
        {"id": 4, "business_unit": "Ventes", "moyen_deplacement": BY_CAR},
        {"id": 5, "business_unit": None, "moyen_deplacement": ON_FOOT},
    )
    distance_rows = distances(
        spark,
        *(
            {"origin_address": f"{n} rue de l'Essai", "travel_mode": mode, "distance_m": metres, "provider": provider}
            for n, mode, metres, provider in [
                (1, "bicycling", 22_499, "estimate"),
                (2, "bicycling", 22_500, "estimate"),
                (3, "walking", 14_999, "google"),
                (5, "walking", 15_001, "google"),
            ]
        ),
    )
    activity_rows = activities(
        spark,
        *daily_activities("2026-05-01 10:00", 15, distance_m=1_000),
        *daily_activities("2026-05-01 10:00", 2, employee_id=4, distance_m=500),
        *daily_activities("2025-11-30 10:00", 20, employee_id=3),
    )
    state = StateAsOf(employee_rows, activity_rows, distance_rows, reward_rules(spark))
    for model in (PRIME_SPORTIVE, WELLBEING, ACTIVITES):
        rows = model.rows(state.by_table(), rule_book(RULES), TODAY)
        overwrite(rows, f"{lake}/gold/{model.name}")
        if model.has_as_of_table:
            for time_point in TIME_POINTS:
                days = rows.withColumns({name: lit(day) for name, day in time_point.columns().items()})
                conformed = conform(days.where(F.col("year") == TODAY.year), model.as_of_schema)
                conformed.write.format("delta").mode("append").save(f"{lake}/gold/{model.as_of_name}")
    refusals = [("strava_activities", "vitesse impossible", "ouvert", 2, "7")]
    columns = "table_source string, motif string, etat string, nb_refus bigint, salaries string"
    refused = spark.createDataFrame(refusals, columns).withColumns(
        {"premier_refus": lit(None), "dernier_refus": lit(None)}
    )
    overwrite(conform(refused, QUALITE_DONNEES.schema), f"{lake}/gold/qualite_donnees")
    twice = activities(
        spark,
        *(
            {"employee_id": number, "start_date_utc": start, "elapsed_time_s": 60}
            for number in range(1, 103)
            for start in [utc("2026-05-01 10:00") + timedelta(days=number)] * 2
        ),
    )
    overwrite(doubles(employees(spark, *({"id": n} for n in range(1, 103))), twice, TODAY), f"{lake}/gold/doubles")
    scenarios: dict[str, dict[str, Any]] = {
        "ailleurs": {"destination": "ailleurs"},
        "taux10": {"bonus_rate": Decimal("0.1000")},
    }
    compared = compare_to_baseline(state, RULES, scenarios, TODAY)
    overwrite(conform(compared.withColumn("known_at", lit(None)), SCENARIOS), f"{lake}/gold/scenarios")


@pytest.mark.usefixtures("empty_row_counts")
def test_kpi_view_sums_rounded_amounts_of_the_current_year(spark: SparkSession) -> None:
    rows = {unit: tuple(row)[2:] for unit, row in collect_by_key(spark.table("gold.v_kpi"), "business_unit").items()}
    assert rows == {
        "Ventes": (3, 2, Decimal("100.02"), 1, 5, 2, 0.6667),
        "Non renseignée": (2, 1, Decimal("1500.00"), 0, 0, 0, 0.0),
        "Total": (5, 3, Decimal("1600.02"), 1, 5, 2, 0.4),
    }


@pytest.mark.parametrize("name", ["v_prime_sportive", "v_wellbeing", "v_kpi"])
@pytest.mark.usefixtures("empty_row_counts")
def test_twin_of_a_view_has_the_rows_of_the_view_for_each_day(spark: SparkSession, name: str) -> None:
    rows = [tuple(row) for row in spark.table(f"gold.{name}").where("year = 2026").collect()]
    assert rows
    expected = [(*time_point.columns().values(), *row) for time_point in TIME_POINTS for row in rows]
    assert Counter(tuple(row) for row in spark.table(f"gold.{name}_au").collect()) == Counter(expected)


@pytest.mark.usefixtures("empty_row_counts")
def test_totals_of_a_run_are_those_of_the_kpi_view(spark: SparkSession, lake_root: str) -> None:
    """Spark and DataFusion run the same query."""
    total = spark.table("gold.v_kpi").where("business_unit = 'Total'").first()
    assert total
    expected = {
        "nb_salaries": 5,
        "nb_primes": 3,
        "cout_primes": Decimal("1600.02"),
        "nb_bien_etre": 1,
        "jours_bien_etre": 5,
        "nb_participants": 2,
    }
    assert {name: total[name] for name in expected} == expected
    assert [*totals(TableStore(lake_root)).items()] == [*expected.items()]
    assert totals(TableStore(lake_root), time_point=TIME_POINTS[0]) == expected
    assert {*totals(TableStore(lake_root), time_point=AsOf(TODAY, date(2026, 12, 1))).values()} == {0}


@pytest.mark.usefixtures("empty_row_counts")
def test_scenarios_view_compares_totals_and_counts_unknown_distances(spark: SparkSession) -> None:
    rows = collect_by_key(spark.table("gold.v_scenarios"), "scenario", "business_unit")
    shown = ("nb_primes", "cout_primes", "cout_primes_reel", "ecart_cout", "ecart_jours", "nb_distances_inconnues")
    assert {key: tuple(row[name] for name in shown) for key, row in rows.items()} == {
        ("taux10", "Ventes"): (2, Decimal("200.02"), Decimal("100.02"), Decimal("100.00"), 0, 0),
        ("taux10", "Non renseignée"): (1, Decimal("3000.00"), Decimal("1500.00"), Decimal("1500.00"), 0, 0),
        ("taux10", "Total"): (3, Decimal("3200.02"), Decimal("1600.02"), Decimal("1600.00"), 0, 0),
        ("ailleurs", "Ventes"): (0, 0, Decimal("100.02"), Decimal("-100.02"), 0, 2),
        ("ailleurs", "Non renseignée"): (0, 0, Decimal("1500.00"), Decimal("-1500.00"), 0, 2),
        ("ailleurs", "Total"): (0, 0, Decimal("1600.02"), Decimal("-1600.02"), 0, 4),
    }


@pytest.mark.usefixtures("empty_row_counts")
def test_declarations_to_check_view_lists_distances_near_or_over_the_limit(spark: SparkSession) -> None:
    rows = collect_by_key(spark.table("gold.v_declarations_a_verifier"), "employee_id")
    assert {key: (row.motif, row.a_verifier.split(" :")[0], row.montant_en_jeu) for key, row in rows.items()} == {
        2: ("eligible", "distance estimée à moins de 10 % de la limite", Decimal("50.01")),
        5: ("distance_incoherente", "distance au-delà de la limite", Decimal("1500.00")),
    }


@pytest.mark.parametrize(
    ("window", "first", "now", "days_left"),
    [
        ("calendar_year", None, "2029-12-30 22:59:59", 1),
        ("calendar_year", None, "2029-12-30 23:00:00", 0),
        ("calendar_year", None, "2029-12-31 23:00:00", 0),
        ("rolling_12_months", None, "2029-02-01 10:00:00", None),
        ("rolling_12_months", "2028-02-28 10:00", "2029-02-01 10:00:00", 27),
        ("rolling_12_months", "2028-02-29 10:00", "2029-02-01 10:00:00", 28),
    ],
)
def test_days_left_end_with_the_year_or_when_the_rolling_window_drops_one(
    spark: SparkSession, tmp_path: Path, window: str, first: str | None, now: str, days_left: int | None
) -> None:
    """`now` is in UTC; the days are those of Paris."""
    days = [(1, 2029, 14, 1, first, window)]
    columns = (
        "employee_id int, year int, nb_activities_year long, activites_manquantes int, first string, fenetre string"
    )
    frame = spark.createDataFrame(days, columns).withColumn("first_activity_date", F.col("first").cast("timestamp"))
    overwrite(frame, f"{tmp_path}/gold/wellbeing")
    overwrite(frame.selectExpr("employee_id", "year", "'Finance' AS business_unit"), f"{tmp_path}/gold/prime_sportive")
    [view] = [view for view in load_views(str(tmp_path)) if view.name == "gold.v_proche_du_seuil"]
    query, clock = "SELECT" + view.sql.split("AS SELECT", 1)[1], "CURRENT_TIMESTAMP()"
    assert query.count(clock) == 1
    row = spark.sql(query.replace(clock, f"TIMESTAMP'{now}Z'")).first()
    assert row
    assert row.jours_restants == days_left


@pytest.mark.usefixtures("empty_row_counts")
def test_activity_views_group_by_unit_month_and_sport(spark: SparkSession) -> None:
    rows = collect_by_key(spark.table("gold.v_activites_par_bu"), "business_unit", "mois", "sport")
    assert {key: tuple(row)[3:] for key, row in rows.items()} == {
        ("Ventes", date(2026, 5, 1), "Run"): (17, 2, 16.0),
        ("Non renseignée", date(2025, 12, 1), "Run"): (19, 1, None),
    }
    months = collect_by_key(spark.table("gold.v_activites_par_mois"), "mois")
    assert {key: tuple(row)[1:] for key, row in months.items()} == {
        date(2026, 5, 1): (17, 2, 0.4, 16.0),
        date(2025, 12, 1): (19, 1, 0.2, None),
    }
    sports = collect_by_key(spark.table("gold.v_activites_par_sport"), "sport")
    assert {key: tuple(row)[1:] for key, row in sports.items()} == {"Run": (36, 3, 0.6, 16.0)}


@pytest.mark.usefixtures("empty_row_counts")
def test_quality_view_shows_doubles_and_refusals(spark: SparkSession) -> None:
    rows = collect_by_key(spark.table("gold.v_qualite_donnees"), "table_source", "motif", "etat")
    shown = {key[1:]: tuple(row)[3:] for key, row in rows.items() if key[0] == "strava_activities"}
    *counts, listed = shown.pop(("en double", "ouvert"))
    assert counts == [102, "2026-05-02 12:00:00", "2026-08-11 12:00:00"]
    assert listed.startswith("1, 2, 3, ")
    assert listed.endswith(", 99, 100 et 2 autres")
    assert shown == {("vitesse impossible", "ouvert"): (2, None, None, "7")}
