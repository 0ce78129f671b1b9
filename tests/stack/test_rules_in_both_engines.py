"""Each rule of each contract has one verdict, in Spark and in Postgres, and fails on no row.

Silver is validated in Spark, and a Slack message in Postgres, by the same text.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

import pytest
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from lakehouse.cdc.contract import Contract
from lakehouse.contracts import CAPTURED, DISTANCE_CACHE, REWARD_RULES, RH_EMPLOYEES, STRAVA_ACTIVITIES
from lakehouse.settings import Settings
from lakehouse.source.postgres import Connection, Jsonb, connect
from stack.activity_events import VALID_ACTIVITY
from stack.databases import fresh_database
from stack.odd_payloads import EMPLOYEE_ID, NOT_JSON, ODD_PAYLOADS

COMMITTED_AT = "2026-06-01T12:00:00+00:00"
INT_MAX, INT_MIN = 2**31 - 1, -(2**31)
SECONDS = (None, INT_MIN, -60, 0, 1, 10, 11, 3_600, 3_605, 3_636, 3_637, INT_MAX - 10, INT_MAX)
METRES = (None, INT_MIN, -1, 0, 1, 12_000, 25 * 3_600, 25 * 3_600 + 1, INT_MAX)
STARTS = (None, "2026-06-01T13:00:00Z", "2026-06-01T13:00:00.000001Z", "1582-01-01T00:00:00Z", "9999-12-31T23:00:00Z")
DAYS = (None, "0001-01-01", "1970-01-01", "9999-12-31")

Fields = Mapping[str, Any]
# By table and name of the row, the names of the rules that refuse it.
Verdicts = Mapping[str, Mapping[str, frozenset[str]]]


def activity(**fields: Any) -> Fields:
    return {**VALID_ACTIVITY, "start_date_local": None, "employee_id": EMPLOYEE_ID, "raw_payload": None, **fields}


def durations(moving: int | None, elapsed: int | None, metres: int | None = 5_000) -> Fields:
    return activity(moving_time_s=moving, elapsed_time_s=elapsed, distance_m=metres)


# As real exports have them; each would count.
REAL_ACTIVITIES: Mapping[str, Fields] = {
    "typed in by hand": durations(0, 3_600, 12_000),
    "without a moving time": durations(None, 3_600, 12_000),
    "without an elapsed time": durations(3_600, None, 12_000),
    "two clocks, 5 s": durations(3_605, 3_600, 9_000),
    "two clocks, 10 s": durations(70, 60, 100),
    "two clocks, 1 %": durations(36_360, 36_000, 9_000),
    "as fast as one can": durations(1, 3_600, 25 * 3_600),
    "an elapsed time of 0": durations(10, 0, 25 * 10),
    "no distance": durations(0, 1, None),
}
# Each with the one rule that refuses it.
REFUSED_ACTIVITIES: Mapping[str, tuple[Fields, str]] = {
    "started and stopped": (durations(0, 0, 0), "no_duration"),
    "started and stopped, with a distance": (durations(0, 0), "no_duration"),
    "without durations": (durations(None, None), "no_duration"),
    "a moving time of 0 alone": (durations(0, None), "no_duration"),
    "an elapsed time of 0 alone": (durations(None, 0), "no_duration"),
    "a negative moving time alone": (durations(-5, None), "no_duration"),
    "two clocks, 11 s": (durations(71, 60, 100), "moving_over_elapsed"),
    "two clocks, over 1 %": (durations(36_361, 36_000, 9_000), "moving_over_elapsed"),
    "too fast": (durations(0, 3_600, 25 * 3_600 + 1), "speed_impossible"),
    "too fast by both": (durations(3_600, 3_590, 25 * 3_600 + 1), "speed_impossible"),
}


def rows_by_table() -> Mapping[str, Mapping[str, Fields]]:
    """Return rows by table and name: odd payloads, and each combination of the numbers and days that rules read."""
    salaries = (None, "-0.01", "0.00", "52770.00", "9999999999.99")
    return {
        STRAVA_ACTIVITIES.table: {
            **{name: activity(raw_payload=text) for name, text in ODD_PAYLOADS.items()},
            **{
                f"{name}, of nobody": activity(raw_payload=text, employee_id=None)
                for name, text in ODD_PAYLOADS.items()
            },
            **REAL_ACTIVITIES,
            **{name: fields for name, (fields, _) in REFUSED_ACTIVITIES.items()},
            **{f"durations {case}": durations(*case) for case in product(SECONDS, SECONDS, METRES)},
            **{f"start {start}": activity(start_date_utc=start) for start in STARTS},
        },
        RH_EMPLOYEES.table: {
            f"{salary} {hired} {born}": {
                "id": 1,
                "salaire_brut": salary,
                "date_embauche": hired,
                "date_naissance": born,
            }
            for salary, hired, born in product(salaries, DAYS, DAYS)
        },
        DISTANCE_CACHE.table: {f"{metres} m": {"distance_m": metres} for metres in METRES},
        REWARD_RULES.table: {
            f"rate {rate}": {"bonus_rate": rate} for rate in (None, "-0.0001", "0.0000", "1.0000", "1.0001", "99.9999")
        },
    }


@dataclass(frozen=True)
class BothEngines:
    """The verdicts of Postgres and of Spark."""

    postgres: Verdicts
    spark: Verdicts


@pytest.fixture(scope="module")
def verdicts(settings: Settings, spark: SparkSession) -> Iterator[BothEngines]:
    with fresh_database(settings) as database, connect(database) as conn:
        postgres, rows = {}, {}
        for table, contract in tables_with_rules().items():
            postgres[table], rows[table] = ask_postgres(conn, contract, rows_by_table()[table])
        spark_verdicts = {table: ask_spark(spark, tables_with_rules()[table], rows[table]) for table in rows}
        yield BothEngines(postgres, spark_verdicts)


def tables_with_rules() -> Mapping[str, Contract]:
    return {contract.table: contract for contract in CAPTURED if contract.rules}


def ask_postgres(
    conn: Connection, contract: Contract, rows: Mapping[str, Fields]
) -> tuple[Mapping[str, frozenset[str]], Sequence[Sequence[str | None]]]:
    """Return the rules that refuse each row by its name, and the rows in Postgres's texts: the name, then columns."""
    holds = ", ".join(f"({rule.when}) IS TRUE" for rule in contract.rules)
    columns = ", ".join(f"{name}::text" for name in contract.columns)
    payload = "jsonb_build_object('raw_payload', (fields ->> 'raw_payload')::jsonb)"
    answers = conn.execute(
        f"""
        SELECT ARRAY[{holds}], row_name, {columns} FROM (
          SELECT row_name, typed.*, '{COMMITTED_AT}'::timestamptz AS committed_at
          FROM unnest(%s::text[], %s::jsonb[]) AS input (row_name, fields),
            LATERAL jsonb_populate_record(NULL::public.{contract.table}, fields || {payload}) AS typed
        ) AS typed_rows
        """,  # noqa: S608 - the contract's own texts
        [[*rows], [Jsonb({**row}) for row in rows.values()]],
    ).fetchall()
    refusals = {
        name: frozenset(rule.name for rule, is_true in zip(contract.rules, verdict, strict=True) if is_true)
        for verdict, name, *_ in answers
    }
    return refusals, [texts for _, *texts in answers]


def ask_spark(
    spark: SparkSession, contract: Contract, rows: Sequence[Sequence[str | None]]
) -> Mapping[str, frozenset[str]]:
    """Return the rules that refuse each row by its name; a row is its name, then its columns' texts."""
    names = ("row_name", *contract.columns)
    texts = spark.createDataFrame([tuple(row) for row in rows], ", ".join(f"`{name}` string" for name in names))
    typed = texts.select(
        "row_name",
        *(F.col(name).cast(kind).alias(name) for name, kind in contract.columns.items()),
        F.expr(f"timestamp'{COMMITTED_AT}'").alias("committed_at"),
    )
    holds = [F.expr(f"({rule.when}) IS TRUE").alias(rule.name) for rule in contract.rules]
    return {
        row["row_name"]: frozenset(rule.name for rule in contract.rules if row[rule.name])
        for row in typed.select("row_name", *holds).collect()
    }


@pytest.mark.parametrize("table", tables_with_rules())
def test_every_rule_has_the_same_verdict_in_both_engines(verdicts: BothEngines, table: str) -> None:
    differing = {
        name: (refused, verdicts.spark[table][name])
        for name, refused in verdicts.postgres[table].items()
        if refused != verdicts.spark[table][name]
    }
    assert differing == {}
    assert len(verdicts.postgres[table]) == len(rows_by_table()[table])


@pytest.mark.parametrize("table", tables_with_rules())
def test_rows_break_each_rule_of_the_contract(verdicts: BothEngines, table: str) -> None:
    broken = {name for names in verdicts.postgres[table].values() for name in names}
    assert broken == {rule.name for rule in tables_with_rules()[table].rules}


def test_payload_is_of_another_where_it_has_an_id_that_is_another_number(verdicts: BothEngines) -> None:
    refused = {name: verdicts.spark[STRAVA_ACTIVITIES.table][name] for name in ODD_PAYLOADS}
    assert refused == {name: {"payload_of_another"} if name.startswith("other: ") else set() for name in ODD_PAYLOADS}


def test_activity_as_real_exports_have_it_is_accepted(verdicts: BothEngines) -> None:
    refused = {name: verdicts.spark[STRAVA_ACTIVITIES.table][name] for name in REAL_ACTIVITIES}
    assert refused == dict.fromkeys(REAL_ACTIVITIES, frozenset())


def test_activity_without_a_duration_or_with_an_impossible_one_is_refused_for_one_reason(verdicts: BothEngines) -> None:
    refused = {name: verdicts.spark[STRAVA_ACTIVITIES.table][name] for name in REFUSED_ACTIVITIES}
    assert refused == {name: {rule} for name, (_, rule) in REFUSED_ACTIVITIES.items()}


def test_text_that_is_no_json_fails_no_rule_in_spark(spark: SparkSession) -> None:
    rows = [
        (str(number), *(text if name == "raw_payload" else None for name in STRAVA_ACTIVITIES.columns))
        for number, text in enumerate(NOT_JSON)
    ]
    assert len(ask_spark(spark, STRAVA_ACTIVITIES, rows)) == len(NOT_JSON)
