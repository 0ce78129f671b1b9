"""A refresh proves what it pays: Silver is compared with a live Postgres, and a difference stops all of Gold."""

import json
import subprocess
from collections.abc import Callable, Iterator, Sequence
from datetime import date
from functools import partial

import pytest
from kafka import KafkaProducer
from pyspark.sql import SparkSession

from lakehouse.cdc import table_query
from lakehouse.cdc.lake import Lake
from lakehouse.cdc.table_store import TableStore
from lakehouse.contracts import CAPTURED, RH_EMPLOYEES, SPORT_ACTIVITIES
from lakehouse.errors import SilverDiffers
from lakehouse.gold.models import MODELS
from lakehouse.kafka_login import client_config
from lakehouse.local.service import job_command
from lakehouse.local.stack import Stack
from lakehouse.refresh.current import refresh_current
from lakehouse.refresh.proof import MAX_CHECKSUM_ROWS, PROVED, snapshot_proof
from lakehouse.refresh.refresh import refresh
from lakehouse.refresh.runs import Run
from lakehouse.refresh.table_setup import create_tables
from lakehouse.source.commit_ledger import writable_store
from lakehouse.source.postgres import connect
from lakehouse.source.seed_rules import seed_rules
from stack.cdc_harness import CdcHarness, HarnessFactory
from support.timing import seconds

DAY = date(2026, 6, 10)
EMPLOYEE_COUNT, ACTIVITIES_EACH = 4, 3
FIRST_ROWS = (
    "INSERT INTO reward_rules VALUES ('2020-01-01', 0.05, 15000, 25000, 15, 5, 'calendar_year', 'Lattes')",
    """
    INSERT INTO rh_employees (id, nom, prenom, salaire_brut, moyen_deplacement, adresse_complete)
    SELECT id, 'Mendes', 'Juliette', 30000 + id, 'Marche/running', id || ' rue du Banc' FROM generate_series(1, 4) id
    """,
    """
    INSERT INTO strava_activities (activity_id, employee_id, distance_m, moving_time_s, elapsed_time_s, start_date_utc)
    SELECT 100 * id + n, id, 5000, 3600, 3600, '2026-06-01' FROM generate_series(1, 4) id, generate_series(1, 3) n
    """,
    """
    INSERT INTO distance_cache (origin_address, destination_address, travel_mode, provider, status, distance_m)
    VALUES ('1 rue du Banc', 'Lattes', 'walking', 'estimate', 'ok', 4000)
    """,
)
LIMITS = pytest.mark.parametrize(
    "max_rows", [MAX_CHECKSUM_ROWS, pytest.param(0, marks=pytest.mark.long)], ids=["by checksum", "by count"]
)


@pytest.fixture
def harness(make_harness: HarnessFactory) -> CdcHarness:
    """Return a company of its own, whose rows are in Bronze and whose figures are computed once."""
    harness = make_harness(CAPTURED)
    create_tables(harness.lake.store)
    harness.execute(*FIRST_ROWS)
    harness.start()
    harness.drain(timeout=seconds(120))
    prove(harness)
    return harness


def prove(
    harness: CdcHarness, max_rows: int = MAX_CHECKSUM_ROWS, after_snapshot: Callable[[], None] = lambda: None
) -> Run:
    """Refresh as a lake of many activities is, with a proof; call `after_snapshot` between the snapshot and the cut."""
    with snapshot_proof(harness.settings, harness.contracts, seconds(60), max_rows) as proof:
        after_snapshot()
        cut = harness.drain(timeout=seconds(60))
        return refresh(harness.lake, cut, DAY, partial(refresh_current, bulk_threshold=0), proof=proof)


def gold_versions(harness: CdcHarness) -> dict[str, int]:
    return {model.name: harness.lake.store.delta_table("gold", model.name).version() for model in MODELS}


def assert_gold_stops(harness: CdcHarness, max_rows: int, *differences: str) -> None:
    """Assert that a refresh names exactly these differences, writes nothing of Gold, and shows no value."""
    before = gold_versions(harness)
    with pytest.raises(SilverDiffers) as stopped:
        prove(harness, max_rows)
    lines = str(stopped.value).splitlines()
    assert tuple(lines[1:-2]) == differences
    assert "batch_refresh_silver_gold.py --rebuild-silver" in lines[-2]
    assert "reconcile.py --since" in lines[-1]
    assert not [value for value in ("3000", "5000", "Mendes", "rue du Banc") if value in str(stopped.value)]
    assert gold_versions(harness) == before


@LIMITS
def test_silver_row_changed_behind_our_back_stops_gold_and_names_table_key_and_column(
    harness: CdcHarness, max_rows: int
) -> None:
    """Take over 20 s: the company is loaded, merged and refreshed three times."""
    saved = harness.lake.read("silver", "strava_activities").where("activity_id = 302").localCheckpoint()
    harness.lake.table("silver", "strava_activities").update("activity_id = 201", {"distance_m": "9000"})
    harness.lake.table("silver", "strava_activities").delete("activity_id = 302")
    differences = ["strava_activities activity_id=201: differs in distance_m"]
    missing = "strava_activities activity_id=302: only in Postgres"
    # A missing row is found by the count, and a changed one among the rows of whom it is.
    assert_gold_stops(harness, max_rows, *differences, missing)
    harness.lake.append(saved, "silver", "strava_activities")
    assert_gold_stops(harness, max_rows, *differences)


@LIMITS
@pytest.mark.long
def test_change_later_than_the_snapshot_is_no_difference(harness: CdcHarness, max_rows: int) -> None:
    def change_everything() -> None:
        harness.execute(
            "UPDATE strava_activities SET distance_m = 6000 WHERE activity_id = 101",
            "DELETE FROM strava_activities WHERE activity_id = 102",
            "INSERT INTO rh_employees (id, nom, prenom, salaire_brut) VALUES (9, 'x', 'y', 1)",
            "UPDATE rh_employees SET salaire_brut = 1, adresse_complete = 'ailleurs' WHERE id = 1",
            "DELETE FROM rh_employees WHERE id = 2",
            "UPDATE strava_activities SET distance_m = -1 WHERE activity_id = 301",
        )

    run = prove(harness, max_rows, change_everything)
    assert (run.outcome, run.proof.state) == ("ok", PROVED)
    assert prove(harness, max_rows).proof.state == PROVED


@LIMITS
@pytest.mark.long
def test_refused_key_is_no_difference(harness: CdcHarness, max_rows: int) -> None:
    harness.execute(
        "UPDATE strava_activities SET distance_m = -1 WHERE activity_id = 101",
        "INSERT INTO strava_activities (activity_id, employee_id, distance_m) VALUES (999, 1, -5)",
        "UPDATE rh_employees SET salaire_brut = -1 WHERE id = 3",
    )
    run = prove(harness, max_rows)
    assert run.proof.state == PROVED
    assert {table: counts["left_out"] for table, counts in run.proof.tables().items() if counts["left_out"]} == {
        "rh_employees": 1,
        "strava_activities": 2,
    }


def test_table_above_the_limit_is_counted_and_only_rows_of_the_changed_employees_are_compared(
    harness: CdcHarness,
) -> None:
    """Take over 20 s: the company is loaded, merged and refreshed twice."""
    harness.execute("UPDATE strava_activities SET distance_m = 6000 WHERE activity_id = 101")
    run = prove(harness, 0)
    assert run.proof.tables() == {
        "rh_employees": {"count": EMPLOYEE_COUNT, "checksum": 1, "left_out": 0},
        "sport_activities": {"checksum": 0, "left_out": 0},
        "strava_activities": {"count": EMPLOYEE_COUNT * ACTIVITIES_EACH, "checksum": ACTIVITIES_EACH, "left_out": 0},
        "distance_cache": {"count": 1, "checksum": 1, "left_out": 0},
        "reward_rules": {"count": 1, "left_out": 0},
    }
    row = harness.lake.read("gold", "runs").orderBy("started_at", ascending=False).first()
    assert row is not None
    assert (row.proof, row.proved_cut, row.proved_rows, row.counted_rows) == (
        PROVED,
        row.input_offsets,
        1 + ACTIVITIES_EACH + 1,
        EMPLOYEE_COUNT + EMPLOYEE_COUNT * ACTIVITIES_EACH + 1 + 1,
    )


def test_message_that_debezium_did_not_write_stops_gold(harness: CdcHarness) -> None:
    """Take over 20 s: the company is loaded, merged and refreshed twice."""
    harness.execute("UPDATE rh_employees SET contrat = 'CDI' WHERE id = 2")
    harness.drain()
    [contract] = [contract for contract in harness.contracts if contract.table == RH_EMPLOYEES.table]
    update = harness.lake.read("bronze", contract.table).where("op = 'u'").first()
    assert update is not None
    message = json.loads(update["value"])
    message["after"]["salaire_brut"] = "80002.00"
    message["source"]["lsn"] += 1
    producer = KafkaProducer(**client_config(harness.settings))
    producer.send(contract.topic, key=update["key"].encode(), value=json.dumps(message).encode()).get(seconds(30))
    producer.close()
    assert_gold_stops(harness, MAX_CHECKSUM_ROWS, "rh_employees id=2: differs in salaire_brut")


@pytest.mark.long
def test_table_that_postgres_lacks_stops_no_other(harness: CdcHarness) -> None:
    harness.execute("DROP TABLE sport_activities")
    with snapshot_proof(harness.settings, harness.contracts, seconds(60)) as proof:
        for contract in harness.contracts:
            if contract.table != SPORT_ACTIVITIES.table:
                proof.read_silver(harness.lake, contract)
        proof.ensure_equal({}, list)
    assert (proof.state, len(proof.results)) == (PROVED, len(CAPTURED) - 1)


@pytest.fixture
def tampered_stack(stack: Stack, spark: SparkSession) -> Iterator[Stack]:
    """Yield the shared stack, with a reward rule in force and a row in Silver that Postgres lacks."""
    with writable_store(stack.settings, "refresh") as store, connect(stack.settings, autocommit=True) as conn:
        create_tables(store)
        lake = Lake(spark, store)
        seed_rules(conn, stack.settings)  # and leave them: Postgres keeps its first rule
        lake.append(spark.sql("SELECT -7 AS id, 'Judo' AS pratique_sport"), "silver", "sport_activities")
        try:
            yield stack
        finally:
            lake.table("silver", "sport_activities").delete("id = -7")


def run_refresh(stack: Stack, *options: str) -> subprocess.CompletedProcess[str]:
    command = job_command("batch_refresh_silver_gold.py", *options)
    return subprocess.run(
        command, env=stack.environment(), capture_output=True, text=True, check=False, timeout=seconds(240)
    )


def journal_proofs(stack: Stack) -> Sequence[str]:
    query = "SELECT proof FROM runs ORDER BY started_at"
    runs = table_query.query_all(TableStore(stack.settings.lake), query, runs=("gold", "runs"))
    return [run["proof"] for run in runs]


def test_refresh_command_exits_1_on_a_difference_and_unverified_computes_all_the_same(tampered_stack: Stack) -> None:
    """Take over 20 s: three commands, each a process with a JVM of its own."""
    stopped = run_refresh(tampered_stack)
    assert stopped.returncode == 1, stopped.stderr
    assert "sport_activities id=-7: only in Silver" in stopped.stderr
    assert "Judo" not in stopped.stdout + stopped.stderr
    unverified = run_refresh(tampered_stack, "--unverified")
    assert (unverified.returncode, "Not proved (unverified)" in unverified.stdout) == (0, True), unverified.stderr
    not_waited = run_refresh(tampered_stack, "--wait", "0")
    assert (not_waited.returncode, "Not proved (not waited)" in not_waited.stdout) == (0, True), not_waited.stderr
    assert journal_proofs(tampered_stack)[-3:] == ["differs", "unverified", "not waited"]
