"""Builders of Silver rows: valid by default, a test overrides the fields that it is about."""

from datetime import date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

from pyspark.sql import DataFrame, Row, SparkSession
from pyspark.sql import functions as F

from lakehouse.cdc.contract import Contract
from lakehouse.contracts import CAPTURED, DISTANCE_CACHE, REWARD_RULES, RH_EMPLOYEES, STRAVA_ACTIVITIES
from lakehouse.gold.rules import RuleBook, Rules
from lakehouse.source.consistent_cut import ConsistentCut
from spark.columns import to_ddl

RULES = Rules(
    bonus_rate=Decimal("0.0500"),
    walk_limit_m=15_000,
    bike_limit_m=25_000,
    min_activities=15,
    wellbeing_days=5,
    activity_window="calendar_year",
    destination="1362 Av. des Platanes, 34970 Lattes",
)
NO_OFFSETS: ConsistentCut = {contract.table: {} for contract in CAPTURED}  # nothing to read from Bronze
ON_FOOT, BY_BICYCLE = "Marche/running", "Vélo/Trottinette/Autres"
BY_BUS, BY_CAR = "Transports en commun", "véhicule thermique/électrique"

Fields = dict[str, Any]


def silver_rows(spark: SparkSession, contract: Contract, rows: list[Fields]) -> DataFrame:
    values = [{column: row.get(column) for column in contract.columns} for row in rows]
    return spark.createDataFrame(values, to_ddl(contract.columns))


def employees(spark: SparkSession, *rows: Fields) -> DataFrame:
    defaults = {"business_unit": "Finance", "salaire_brut": Decimal("30000.00"), "moyen_deplacement": BY_BICYCLE}
    return silver_rows(
        spark, RH_EMPLOYEES, [defaults | {"adresse_complete": f"{row['id']} rue de l'Essai"} | row for row in rows]
    )


def distances(spark: SparkSession, *rows: Fields) -> DataFrame:
    defaults = {"destination_address": RULES.destination, "provider": "estimate", "status": "ok"}
    return silver_rows(spark, DISTANCE_CACHE, [defaults | row for row in rows])


def activities(spark: SparkSession, *rows: Fields) -> DataFrame:
    defaults = {"employee_id": 1, "sport_type": "Run", "flagged": False}
    return silver_rows(spark, STRAVA_ACTIVITIES, [{"activity_id": n} | defaults | row for n, row in enumerate(rows)])


def reward_rules(spark: SparkSession, *rows: Fields) -> DataFrame:
    return silver_rows(spark, REWARD_RULES, [vars(RULES) | row for row in rows])


def rule_book(rules: Rules) -> RuleBook:
    return RuleBook([(date(2000, 1, 1), rules)])


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=timezone.utc)


def daily_activities(first: str, count: int, **fields: Any) -> list[Fields]:
    """Return one activity a day, each at the same UTC time."""
    return [{"start_date_utc": utc(first) + timedelta(days=n)} | fields for n in range(count)]


def collect_by_key(frame: DataFrame, *keys: str) -> dict[Any, Row]:
    """Return the rows by key, timestamps as the text that Spark shows, whatever this process's time zone.

    Raises AssertionError where two rows have the same key.
    """
    shown = frame.withColumns(
        {name: F.col(name).cast("string") for name, sql_type in frame.dtypes if sql_type == "timestamp"}
    ).collect()
    by_key = {tuple(row[key] for key in keys) if len(keys) > 1 else row[keys[0]]: row for row in shown}
    assert len(by_key) == len(shown), "more than one row for a key"
    return by_key
