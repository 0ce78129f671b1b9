"""Reconcile compares Postgres with Silver at one snapshot, during writes, and names differences without values."""

import subprocess
import sys
from collections.abc import Sequence
from datetime import date

import pytest
from pyspark.sql import SparkSession

from lakehouse.cdc.contract import Contract
from lakehouse.cdc.lake import Lake
from lakehouse.contracts import CAPTURED, SPORT_ACTIVITIES
from lakehouse.local.stack import Stack
from lakehouse.reconcile import mvcc_snapshot
from lakehouse.reconcile.reconcile import compare, reconcile
from lakehouse.reconcile.reconcile_report import print_report, verdict
from lakehouse.reconcile.table_comparison import TableResult
from lakehouse.settings import ROOT
from lakehouse.source.commit_ledger import writable_store
from lakehouse.source.postgres import Connection, connect
from stack.cdc_harness import CdcHarness, HarnessFactory
from support.timing import seconds

EDGE_STRINGS = ["", " ", "é😀", 'o\'clock "x"', "a\\b\\N", "line\nline\ttab", "a,b", r"\N", "ﬁ\u0301", None]
PAYLOADS = ['{"b": 1.10, "a": [1e2, 0.1000, -0.0], "é": "\\u00e9 😀 \\\\ \\""}', "null", '"x"', "[]", None]
INSTANTS = ["1900-01-01 00:00:00.000001", "1969-12-31 23:59:59.999999", "2026-06-01 10:00:00", "infinity", "-infinity"]
DATES = ["1900-01-01", "0001-01-01", "9999-12-31", "2000-02-29", None]


def insert_employee(conn: Connection, key: int, name: str | None = "Mendes", day: str | None = None) -> None:
    conn.execute(
        "INSERT INTO rh_employees (id, nom, prenom, salaire_brut, contrat, date_embauche) "
        "VALUES (%s, coalesce(%s, 'x'), 'Juliette', 30000.10, %s, %s)",
        [key, name, name, day],
    )


def insert_activity(conn: Connection, key: int, metres: int, payload: str | None = None, at: str = INSTANTS[2]) -> None:
    conn.execute(
        "INSERT INTO strava_activities (activity_id, employee_id, distance_m, moving_time_s, elapsed_time_s, "
        "start_date_utc, start_date_local, raw_payload) VALUES (%s, 1, %s, 3600, 3600, %s, %s, %s)",
        [key, metres, "2026-06-01" if at == "infinity" else at, at, payload],
    )


def insert_edge_cases(conn: Connection, first: int = 1) -> None:
    """Insert the edge values of each type, and a refused row."""
    for number, name in enumerate(EDGE_STRINGS):
        insert_employee(conn, first + number, name, DATES[number % len(DATES)])
        conn.execute("INSERT INTO sport_activities VALUES (%s, %s)", [first + number, name])
    for number, payload in enumerate(PAYLOADS):
        insert_activity(conn, first + number, 5000, payload, INSTANTS[number % len(INSTANTS)])
    insert_activity(conn, first + 100, -1)
    for number, rate in enumerate(["0.10", "0", "1", "0.0001"]):
        conn.execute(
            "INSERT INTO reward_rules VALUES (%s, %s, 100, 100, 1, 0, 'calendar_year', 'Lattes')",
            [date(1900 + first, 1, 1 + number), rate],
        )


def rewrite_activities_as_version_0_2_did(lake: Lake) -> None:
    """Write Silver's activities again with Spark's default type of an instant, which holds none of the year 1."""
    name = "spark.sql.parquet.outputTimestampType"
    conf = lake.spark.conf
    current = conf.get(name)
    conf.set(name, "INT96")
    try:
        lake.table("silver", "strava_activities").update(set={"distance_m": "distance_m"})
    finally:
        conf.set(name, str(current))


def run_reconcile(harness: CdcHarness) -> list[TableResult]:
    return reconcile(harness.settings, harness.lake, harness.contracts, timeout=seconds(120), max_differences=10)


def row_counts(results: Sequence[TableResult]) -> dict[str, tuple[int, int, int]]:
    """Return each table's rows in Postgres and Silver, and its refused rows."""
    return {result.table: (result.source_rows, result.silver_rows, result.refused) for result in results}


def unequal_tables(results: Sequence[TableResult]) -> dict[str, list[str]]:
    return {result.table: [*map(str, result.differences)] for result in results if not result.is_equal}


def contract_of(harness: CdcHarness, name: str) -> Contract:
    return next(contract for contract in harness.contracts if contract.table == name)


@pytest.fixture
def harness(make_harness: HarnessFactory) -> CdcHarness:
    harness = make_harness(CAPTURED)
    with connect(harness.settings) as conn:
        insert_edge_cases(conn)
    harness.start()
    harness.drain(timeout=seconds(120))
    return harness


def test_tampered_silver_rows_are_named_by_key_and_column_without_values(
    harness: CdcHarness, capsys: pytest.CaptureFixture[str]
) -> None:
    """Take over 20 s: all five tables are merged, and compared with Postgres twice."""
    with connect(harness.settings) as conn:
        insert_edge_cases(conn, 20)
        for number, day in enumerate(["infinity", "-infinity"]):
            insert_employee(conn, 90 + number, day=day)
    harness.execute(
        "UPDATE rh_employees SET nom = nom || '!' WHERE id % 3 = 0",
        "UPDATE strava_activities SET raw_payload = '{\"a\": 1.0}' WHERE activity_id = 2",
        "DELETE FROM rh_employees WHERE id = 4",
        "TRUNCATE sport_activities",
        "INSERT INTO sport_activities VALUES (2, 'Judo'), (3, NULL)",
        "UPDATE strava_activities SET distance_m = -5 WHERE activity_id = 3",
    )
    results = run_reconcile(harness)
    assert unequal_tables(results) == {}
    assert verdict(results) is None
    assert row_counts(results) == {
        "rh_employees": (21, 21, 0),
        "sport_activities": (2, 2, 0),
        "strava_activities": (9, 9, 3),
        "distance_cache": (0, 0, 0),
        "reward_rules": (8, 8, 0),
    }
    rewrite_activities_as_version_0_2_did(harness.lake)
    assert unequal_tables(run_reconcile(harness)) == {}

    staff = harness.lake.table("silver", "rh_employees")
    staff.update("id = 1", {"salaire_brut": "30000.11", "contrat": "NULL"})
    staff.delete("id = 2")
    rates = harness.lake.table("silver", "reward_rules")
    rates.update("valid_from = DATE'1901-01-01'", {"valid_from": "DATE'1901-01-09'"})
    sports = harness.lake.read("silver", "sport_activities").where("id = 3")
    harness.lake.append(sports.localCheckpoint(), "silver", "sport_activities")
    results = run_reconcile(harness)
    assert unequal_tables(results) == {
        "rh_employees": ["id=1: differs in salaire_brut, contrat", "id=2: only in Postgres"],
        "sport_activities": ["id=3: 2 times in Silver"],
        "reward_rules": ["valid_from=1901-01-01: only in Postgres", "valid_from=1901-01-09: only in Silver"],
    }
    print_report(results)
    printed = capsys.readouterr().out + str(verdict(results))
    assert "rh_employees id=1: differs in salaire_brut, contrat\n" in printed
    assert "batch_refresh_silver_gold.py --rebuild-silver" in printed
    assert not [value for value in ("30000", "Mendes", "Juliette", "Judo") if value in printed]


@pytest.mark.long
def test_changes_committed_after_the_snapshot_are_ignored_on_both_sides(harness: CdcHarness) -> None:
    with connect(harness.settings) as early, connect(harness.settings) as late:
        early.execute("UPDATE rh_employees SET contrat = 'early' WHERE id = 5")
        early.execute("DELETE FROM sport_activities WHERE id = 5")
        insert_employee(early, 50)
        # It commits after `early` began: `early` is then below the snapshot's xmax and in its xip.
        harness.execute("UPDATE rh_employees SET contrat = 'between' WHERE id = 6")
        with mvcc_snapshot.open_snapshot(harness.settings, harness.contracts, timeout=seconds(120)) as (
            conn,
            snapshot_at,
        ):
            early.commit()
            late.execute("DELETE FROM sport_activities WHERE id = 10")
            late.execute("UPDATE rh_employees SET contrat = 'late', id = 60 WHERE id = 10")
            late.execute("UPDATE strava_activities SET distance_m = -2 WHERE activity_id = 1")
            late.execute("UPDATE strava_activities SET distance_m = 2 WHERE activity_id = 101")
            late.execute("DELETE FROM reward_rules WHERE valid_from > '1901-01-01'")
            late.commit()
            results = compare(conn, snapshot_at, harness.lake, harness.contracts, harness.drain(), max_differences=10)
    assert snapshot_at.xip
    assert unequal_tables(results) == {}
    assert row_counts(results) == {
        "rh_employees": (10, 10, 0),
        "sport_activities": (10, 10, 0),
        "strava_activities": (5, 5, 1),
        "distance_cache": (0, 0, 0),
        "reward_rules": (4, 4, 0),
    }
    assert {row.contrat for row in harness.lake.silver(contract_of(harness, "rh_employees")).collect()} >= {
        "early",
        "late",
    }
    results = run_reconcile(harness)
    assert unequal_tables(results) == {}
    assert row_counts(results)["rh_employees"] == (11, 11, 0)
    assert row_counts(results)["reward_rules"] == (1, 1, 0)


@pytest.mark.long
def test_table_with_a_missing_column_is_reported_and_the_others_compared(harness: CdcHarness) -> None:
    harness.execute("ALTER TABLE sport_activities DROP COLUMN pratique_sport")
    results = run_reconcile(harness)
    assert [result.table for result in results if result.error] == ["sport_activities"]
    others = [contract.table for contract in CAPTURED if contract is not CAPTURED[1]]
    assert [result.table for result in results if result.is_equal] == others
    assert "pratique_sport" in str(verdict(results))


def run_command(stack: Stack) -> subprocess.CompletedProcess[str]:
    script = [sys.executable, str(ROOT / "scripts" / "Jobs_Spark" / "reconcile.py"), "--table", "sport_activities"]
    return subprocess.run(
        script, env=stack.environment(), capture_output=True, text=True, check=False, timeout=seconds(240)
    )


@pytest.mark.long
def test_reconcile_command_exits_0_if_equal(stack: Stack) -> None:
    completed = run_command(stack)
    assert (completed.returncode, completed.stderr) == (0, "")
    assert "equal" in completed.stdout


def test_reconcile_command_exits_1_if_silver_has_an_extra_row(stack: Stack, spark: SparkSession) -> None:
    """Take over 20 s: the command is a process with a JVM of its own."""
    with writable_store(stack.settings, "reconcile") as store:
        lake = Lake(spark, store)
        store.create_silver(SPORT_ACTIVITIES)
        lake.append(spark.sql("SELECT -7 AS id, 'Judo' AS pratique_sport"), "silver", "sport_activities")
        try:
            completed = run_command(stack)
        finally:
            lake.table("silver", "sport_activities").delete("id = -7")
    assert completed.returncode == 1
    assert "sport_activities id=-7: only in Silver" in completed.stdout
    assert "Silver differs from Postgres in sport_activities" in completed.stderr
    assert "Judo" not in completed.stdout + completed.stderr
