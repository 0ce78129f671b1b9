"""Postgres against Silver at one moment: equal while writes go on, and what differs is named, without its value."""

import subprocess
import sys
from collections.abc import Sequence
from datetime import date

import psycopg
import pytest
from pyspark.sql import SparkSession

from lakehouse.cdc.catalog import Catalog
from lakehouse.cdc.contract import Contract
from lakehouse.cdc.lake import Lake
from lakehouse.contracts import CAPTURED, SPORT_ACTIVITIES
from lakehouse.local.stack import Stack
from lakehouse.reconcile import snapshot
from lakehouse.reconcile.reconcile import Compared, compare, reconcile
from lakehouse.reconcile.report import show, verdict
from lakehouse.settings import ROOT
from lakehouse.source.postgres import connect
from stack.lab import Bench, Lab

NASTY = ["", " ", "é😀", 'o\'clock "x"', "a\\b\\N", "line\nline\ttab", "a,b", r"\N", "ﬁ\u0301", None]
PAYLOADS = ['{"b": 1.10, "a": [1e2, 0.1000, -0.0], "é": "\\u00e9 😀 \\\\ \\""}', "null", '"x"', "[]", None]
INSTANTS = ["1900-01-01 00:00:00.000001", "1969-12-31 23:59:59.999999", "2026-06-01 10:00:00", "infinity", "-infinity"]
DATES = ["1900-01-01", "0001-01-01", "9999-12-31", "2000-02-29", None]


def employ(conn: psycopg.Connection, key: int, name: str | None = "Mendes", day: str | None = None) -> None:
    conn.execute(
        "INSERT INTO rh_employees (id, nom, prenom, salaire_brut, contrat, date_embauche) "
        "VALUES (%s, coalesce(%s, 'x'), 'Juliette', 30000.10, %s, %s)",
        [key, name, name, day],
    )


def ride(conn: psycopg.Connection, key: int, metres: int, payload: str | None = None, at: str = INSTANTS[2]) -> None:
    conn.execute(
        "INSERT INTO strava_activities (activity_id, employee_id, distance_m, moving_time_s, elapsed_time_s, "
        "start_date_utc, start_date_local, raw_payload) VALUES (%s, 1, %s, 3600, 3600, %s, %s, %s)",
        [key, metres, "2026-06-01" if at == "infinity" else at, at, payload],
    )


def fill(conn: psycopg.Connection, first: int = 1) -> None:
    """Put in each nasty value of each type, and a refused row."""
    for number, name in enumerate(NASTY):
        employ(conn, first + number, name, DATES[number % len(DATES)])
        conn.execute("INSERT INTO sport_activities VALUES (%s, %s)", [first + number, name])
    for number, payload in enumerate(PAYLOADS):
        ride(conn, first + number, 5000, payload, INSTANTS[number % len(INSTANTS)])
    ride(conn, first + 100, -1)
    for number, rate in enumerate(["0.10", "0", "1", "0.0001"]):
        conn.execute(
            "INSERT INTO reward_rules VALUES (%s, %s, 100, 100, 1, 0, 'calendar_year', 'Lattes')",
            [date(1900 + first, 1, 1 + number), rate],
        )


def compared(bench: Bench) -> list[Compared]:
    return reconcile(bench.settings, bench.lake, bench.contracts, patience=120, show=10)


def numbers(found: Sequence[Compared]) -> dict[str, tuple[int, int, int]]:
    return {one.table: (one.source_rows, one.silver_rows, one.refused) for one in found}


def differences(found: Sequence[Compared]) -> dict[str, list[str]]:
    return {one.table: [*one.differences] for one in found if not one.equal}


def table(bench: Bench, name: str) -> Contract:
    return next(one for one in bench.contracts if one.table == name)


@pytest.fixture
def bench(lab: Lab) -> Bench:
    bench = lab(CAPTURED)
    with connect(bench.settings) as conn:
        fill(conn)
    bench.start()
    bench.drain(patience=120)
    return bench


def test_equal_to_the_last_column_and_a_row_changed_behind_the_lakes_back_is_named(
    bench: Bench, capsys: pytest.CaptureFixture[str]
) -> None:
    with connect(bench.settings) as conn:
        fill(conn, 20)
        for number, day in enumerate(["infinity", "-infinity"]):
            employ(conn, 90 + number, day=day)
    bench.execute(
        "UPDATE rh_employees SET nom = nom || '!' WHERE id % 3 = 0",
        "UPDATE strava_activities SET raw_payload = '{\"a\": 1.0}' WHERE activity_id = 2",
        "DELETE FROM rh_employees WHERE id = 4",
        "TRUNCATE sport_activities",
        "INSERT INTO sport_activities VALUES (2, 'Judo'), (3, NULL)",
        "UPDATE strava_activities SET distance_m = -5 WHERE activity_id = 3",
    )
    found = compared(bench)
    assert differences(found) == {}
    assert verdict(found) is None
    assert numbers(found) == {
        "rh_employees": (21, 21, 0),
        "sport_activities": (2, 2, 0),
        "strava_activities": (9, 9, 3),
        "distance_cache": (0, 0, 0),
        "reward_rules": (8, 8, 0),
    }

    staff = bench.lake.table("silver", "rh_employees")
    staff.update("id = 1", {"salaire_brut": "30000.11", "contrat": "NULL"})
    staff.delete("id = 2")
    rates = bench.lake.table("silver", "reward_rules")
    rates.update("valid_from = DATE'1901-01-01'", {"valid_from": "DATE'1901-01-09'"})
    sports = bench.lake.read("silver", "sport_activities").where("id = 3")
    bench.lake.append(sports.localCheckpoint(), "silver", "sport_activities")
    found = compared(bench)
    assert differences(found) == {
        "rh_employees": ["id=1: differs in salaire_brut, contrat", "id=2: only in Postgres"],
        "sport_activities": ["id=3: 2 times in Silver"],
        "reward_rules": ["valid_from=1901-01-01: only in Postgres", "valid_from=1901-01-09: only in Silver"],
    }
    show(found)
    said = capsys.readouterr().out + str(verdict(found))
    assert "rh_employees id=1: differs in salaire_brut, contrat\n" in said
    assert "batch_refresh_silver_gold.py --rebuild" in said
    assert not [value for value in ("30000", "Mendes", "Juliette", "Judo") if value in said]


@pytest.mark.long
def test_what_is_committed_after_the_snapshot_is_on_neither_side(bench: Bench) -> None:
    with connect(bench.settings) as early, connect(bench.settings) as late:
        early.execute("UPDATE rh_employees SET contrat = 'early' WHERE id = 5")
        early.execute("DELETE FROM sport_activities WHERE id = 5")
        employ(early, 50)
        # It completes behind `early`, whose number then lies before the snapshot's end and is among the running.
        bench.execute("UPDATE rh_employees SET contrat = 'between' WHERE id = 6")
        with snapshot.held(bench.settings, bench.contracts, patience=120) as (conn, now):
            early.commit()
            late.execute("DELETE FROM sport_activities WHERE id = 10")
            late.execute("UPDATE rh_employees SET contrat = 'late', id = 60 WHERE id = 10")
            late.execute("UPDATE strava_activities SET distance_m = -2 WHERE activity_id = 1")
            late.execute("UPDATE strava_activities SET distance_m = 2 WHERE activity_id = 101")
            late.execute("DELETE FROM reward_rules WHERE valid_from > '1901-01-01'")
            late.commit()
            found = compare(conn, now, bench.lake, bench.contracts, bench.drain(), show=10)
    assert now.running
    assert differences(found) == {}
    assert numbers(found) == {
        "rh_employees": (10, 10, 0),
        "sport_activities": (10, 10, 0),
        "strava_activities": (5, 5, 1),
        "distance_cache": (0, 0, 0),
        "reward_rules": (4, 4, 0),
    }
    assert {row.contrat for row in bench.lake.silver(table(bench, "rh_employees")).collect()} >= {"early", "late"}
    found = compared(bench)
    assert differences(found) == {}
    assert numbers(found)["rh_employees"] == (11, 11, 0)
    assert numbers(found)["reward_rules"] == (1, 1, 0)


@pytest.mark.long
def test_a_table_that_does_not_fit_its_contract_is_told_and_the_others_are_compared(bench: Bench) -> None:
    bench.execute("ALTER TABLE sport_activities DROP COLUMN pratique_sport")
    found = compared(bench)
    assert [one.table for one in found if one.error] == ["sport_activities"]
    assert [one.table for one in found if one.equal] == [one.table for one in CAPTURED if one is not CAPTURED[1]]
    assert "pratique_sport" in str(verdict(found))


def command(stack: Stack) -> subprocess.CompletedProcess[str]:
    script = [sys.executable, str(ROOT / "scripts" / "Jobs_Spark" / "reconcile.py"), "--table", "sport_activities"]
    return subprocess.run(script, env=stack.environment(), capture_output=True, text=True, check=False, timeout=240)


@pytest.mark.long
def test_the_command_ends_with_0_where_they_are_equal(stack: Stack) -> None:
    alike = command(stack)
    assert (alike.returncode, alike.stderr) == (0, "")
    assert "equal" in alike.stdout


def test_the_command_ends_with_1_where_silver_has_a_row_that_postgres_has_not(
    stack: Stack, spark: SparkSession
) -> None:
    lake = Lake(spark, Catalog(stack.settings.lake))
    lake.catalog.make_silver(SPORT_ACTIVITIES)
    lake.append(spark.sql("SELECT -7 AS id, 'Judo' AS pratique_sport"), "silver", "sport_activities")
    try:
        differs = command(stack)
    finally:
        lake.table("silver", "sport_activities").delete("id = -7")
    assert differs.returncode == 1
    assert "sport_activities id=-7: only in Silver" in differs.stdout
    assert "Silver differs from Postgres in sport_activities" in differs.stderr
    assert "Judo" not in differs.stdout + differs.stderr
