"""From the HR files to the figures over Thrift, compared with an oracle in plain Python; Silver with Postgres."""

import json
import subprocess
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta, timezone
from decimal import Decimal
from functools import partial
from pathlib import Path
from random import Random
from typing import Any

import pytest
from kafka import KafkaProducer
from pyspark.sql import SparkSession

from lakehouse.cdc.lake import Lake
from lakehouse.cdc.merge.silver import CatchUpResult
from lakehouse.clock import today
from lakehouse.contracts import CAPTURED, STRAVA_ACTIVITIES
from lakehouse.gold.bitemporal import AsOf
from lakehouse.hr.full_load import full_load
from lakehouse.hr.load_options import LoadOptions
from lakehouse.kafka_login import client_config
from lakehouse.local.stack import Stack
from lakehouse.refresh.as_of import figures_as_of
from lakehouse.refresh.current import refresh_current
from lakehouse.refresh.foreign_repair import all_in_lake
from lakehouse.refresh.refresh import Compute, refresh
from lakehouse.refresh.runs import Run
from lakehouse.retries import wait_until
from lakehouse.serving.client import query
from lakehouse.settings import ROOT, Settings
from lakehouse.simulator.activity_table import read_athletes
from lakehouse.simulator.backfill import insert_history
from lakehouse.simulator.cli import insert_one
from lakehouse.simulator.sample_company import write_sample_files
from lakehouse.source import consistent_cut
from lakehouse.source.commit_ledger import writable_store
from lakehouse.source.go_live import read_go_live
from lakehouse.source.postgres import connect, sql
from support import oracle
from support.fake_slack import FakeSlack
from support.postgres_rows import as_dicts
from support.timing import seconds

NEW_ACTIVITIES, INVALID_SHARE = 40, 0.3
# As real exports have them, on days before the generated ones: typed in by hand, with two clocks, through pandas.
REAL_ACTIVITY_IDS = (8_000_000_000_002, 8_000_000_000_003, 8_000_000_000_005)
INSERT_REAL_ACTIVITIES = """
    INSERT INTO strava_activities (activity_id, employee_id, distance_m, moving_time_s, elapsed_time_s, sport_type,
      start_date_utc, raw_payload)
    VALUES
      (8000000000002, %(who)s, 12000, 0, 3600, 'Run', now() - interval '100 days', NULL),
      (8000000000003, %(who)s, 9000, 3605, 3600, 'Run', now() - interval '101 days', NULL),
      (8000000000005, %(who)s, 5000, 1800, 1800, 'Run', now() - interval '102 days',
       jsonb_build_object('athlete', jsonb_build_object('id', %(who)s::numeric(9, 1))))
"""


@dataclass(frozen=True)
class PipelineRun:
    """A pipeline run once: load, backfill and refresh; then activities, updates, deletes and another refresh.

    Midnight or New Year may pass at any moment, so each day is read once: `loaded_on` before the first write, and `day`
    after the last one. The figures are as of `day`.
    """

    settings: Settings
    lake: Lake
    files: Path
    loaded_on: date
    day: date
    deleted_employee_id: int
    deleted_activities: Sequence[Mapping[str, Any]]
    runs: list[Run] = field(default_factory=list)

    def refresh(self, day: date | None = None, compute: Compute = refresh_current) -> Run:
        """Refresh up to a consistent cut, and append the run to `runs`."""
        offsets = consistent_cut.wait_for_consistent_cut(self.settings, self.lake.store, CAPTURED, timeout=seconds(60))
        self.runs.append(refresh(self.lake, offsets, day or self.day, compute))
        return self.runs[-1]

    def compute_as_of(self, as_of: AsOf) -> None:
        """Compute the figures as of another day."""
        with connect(self.settings) as conn:
            go_live = read_go_live(conn)
        self.refresh(as_of.valid_at, partial(figures_as_of, time_point=as_of, go_live=go_live))

    def rows_as_of(self, view: str, as_of: AsOf) -> list[tuple[Any, ...]]:
        """Return a view's rows for a day and a day of knowledge, without these two columns."""
        return [row[2:] for row in self.query_rows(f"SELECT * FROM gold.{view} WHERE {as_of.predicate()}")]  # noqa: S608 - the project's own names

    def postgres_rows(self, table: str) -> list[dict[str, Any]]:
        everything = sql.SQL("SELECT * FROM {}").format(sql.Identifier(*table.split(".")))
        with connect(self.settings) as conn:
            return as_dicts(conn.execute(everything))

    def query_rows(self, statement: str) -> list[tuple[Any, ...]]:
        return query(self.settings, statement).rows

    def staff(self) -> list[oracle.Employee]:
        return [employee for employee in oracle.read_employees(self.files) if employee.id != self.deleted_employee_id]


@pytest.fixture(scope="module")
def pipeline(stack: Stack, spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Iterator[PipelineRun]:
    with writable_store(stack.settings, "refresh") as store:
        yield run_pipeline(stack, Lake(spark, store), tmp_path_factory)


def run_pipeline(stack: Stack, lake: Lake, tmp_path_factory: pytest.TempPathFactory) -> PipelineRun:
    files, loaded_on = tmp_path_factory.mktemp("input"), today()
    write_sample_files(files)
    settings = stack.settings
    options = LoadOptions(folder=files, effective_from=None, allow_mass_delete=False, wait=0.0)
    list(full_load(settings, options, partial(insert_history, rng=Random(1), months=2), today=loaded_on))
    with connect(settings, autocommit=True) as conn:
        # On 1 January some athletes have activities of that day alone.
        [deleted_employee_id] = conn.execute(
            "SELECT max(employee_id) FROM strava_activities WHERE start_date_utc < %s", [loaded_on - timedelta(days=1)]
        ).fetchone() or [0]
    pipeline = PipelineRun(settings, lake, files, loaded_on, today(), deleted_employee_id, [])
    wait_until(
        lambda: pipeline.postgres_rows("distance_cache"), timeout=seconds(60), missing="the distance worker's answers"
    )
    pipeline.refresh()
    with connect(settings, autocommit=True) as conn:
        rng, people = Random(7), read_athletes(conn)
        for _ in range(NEW_ACTIVITIES):
            insert_one(conn, rng, people, INVALID_SHARE)
        conn.execute(INSERT_REAL_ACTIVITIES, {"who": people[0].employee_id})
        deleted_activities = conn.execute(
            "SELECT * FROM strava_activities WHERE employee_id = %s", [deleted_employee_id]
        )
        pipeline = replace(pipeline, deleted_activities=as_dicts(deleted_activities))
        conn.execute("DELETE FROM rh_employees WHERE id = %s", [deleted_employee_id])
        conn.execute("UPDATE strava_activities SET flagged = true WHERE activity_id % 10 = 0")
        conn.execute("DELETE FROM strava_activities WHERE activity_id % 10 = 1")
    pipeline = replace(pipeline, day=today())
    pipeline.refresh()
    return pipeline


def test_prime_view_equals_the_oracle_to_the_cent(pipeline: PipelineRun) -> None:
    rules = oracle.rules_on(pipeline.postgres_rows("reward_rules"), pipeline.day)
    expected = oracle.prime(pipeline.staff(), pipeline.postgres_rows("distance_cache"), rules)
    answered = {row[0]: row for row in pipeline.query_rows("SELECT * FROM gold.v_prime_sportive")}
    assert {row[1] for row in answered.values()} == {pipeline.day.year}
    assert {employee: _as_oracle(row) for employee, row in answered.items()} == {
        employee: (
            due.business_unit,
            due.salary,
            None if due.distance_m is None else due.distance_m / 1000,
            due.distance_source,
            due.eligible,
            due.motif,
            due.amount,
        )
        for employee, due in expected.items()
    }
    assert {due.motif for due in expected.values()} == {
        "eligible",
        "mode_non_eligible",
        "distance_incoherente",
        "distance_inconnue",
    }


def test_no_commit_of_a_whole_pipeline_is_foreign(pipeline: PipelineRun) -> None:
    assert all_in_lake(pipeline.lake.store) == []


def test_wellbeing_view_equals_the_oracle_to_the_second(pipeline: PipelineRun) -> None:
    rules = pipeline.postgres_rows("reward_rules")
    expected = oracle.wellbeing(pipeline.staff(), pipeline.postgres_rows("strava_activities"), rules, pipeline.day)
    answered = {row[:2]: row[2:] for row in pipeline.query_rows("SELECT * FROM gold.v_wellbeing")}
    assert answered == {
        key: (done.activities, done.first, done.last, done.eligible, done.days, done.missing)
        for key, done in expected.items()
    }
    assert sum(done.activities for done in expected.values()) > NEW_ACTIVITIES


@pytest.mark.parametrize("contract", CAPTURED, ids=lambda contract: contract.table)
def test_silver_equals_postgres_except_refused_rows(pipeline: PipelineRun, contract: Any) -> None:
    silver = {_key(contract, row): row for row in (r.asDict() for r in pipeline.lake.silver(contract).collect())}
    stored = {_key(contract, row): row for row in pipeline.postgres_rows(contract.table)}
    refused = set(stored) - set(silver)
    if contract is STRAVA_ACTIVITIES:
        assert refused == {_key(contract, row) for row in stored.values() if not oracle.is_valid(row)}
        assert refused
    else:
        assert not refused
    assert {key: _comparable(contract, row) for key, row in silver.items()} == {
        key: _comparable(contract, row) for key, row in stored.items() if key not in refused
    }


@pytest.mark.long
def test_figures_as_of_the_current_day_equal_the_current_ones(pipeline: PipelineRun) -> None:
    # Another test's activity may be committed after midnight.
    as_of = AsOf(pipeline.day, pipeline.day + timedelta(days=1))
    pipeline.compute_as_of(as_of)
    primes, days = (
        pipeline.query_rows("SELECT * FROM gold.v_prime_sportive"),
        pipeline.query_rows("SELECT * FROM gold.v_wellbeing"),
    )
    assert Counter(pipeline.rows_as_of("v_prime_sportive_au", as_of)) == Counter(primes)
    assert Counter(pipeline.rows_as_of("v_kpi_au", as_of)) == Counter(pipeline.query_rows("SELECT * FROM gold.v_kpi"))
    assert Counter(pipeline.rows_as_of("v_wellbeing_au", as_of)) == Counter(
        row for row in days if row[1] == pipeline.day.year
    )


def test_figures_as_of_the_day_before_a_delete_include_the_deleted_employee(pipeline: PipelineRun) -> None:
    as_of = AsOf(pipeline.loaded_on - timedelta(days=1), pipeline.day + timedelta(days=1))
    before = pipeline.query_rows("SELECT * FROM gold.v_kpi ORDER BY business_unit")
    pipeline.compute_as_of(as_of)
    assert pipeline.query_rows("SELECT * FROM gold.v_kpi ORDER BY business_unit") == before
    rules = pipeline.postgres_rows("reward_rules")
    staff = oracle.read_employees(pipeline.files)
    done_activities = [*pipeline.postgres_rows("strava_activities"), *pipeline.deleted_activities]
    expected = oracle.wellbeing(staff, done_activities, rules, as_of.valid_at)
    assert sum(done.activities for (employee, _), done in expected.items() if employee == pipeline.deleted_employee_id)
    answered = {row[0]: row[2:] for row in pipeline.rows_as_of("v_wellbeing_au", as_of)}
    assert answered == {
        employee: (done.activities, done.first, done.last, done.eligible, done.days, done.missing)
        for (employee, year), done in expected.items()
        if year == as_of.valid_at.year
    }
    rules_in_force = oracle.rules_on(rules, as_of.valid_at)
    due = oracle.prime(staff, pipeline.postgres_rows("distance_cache"), rules_in_force)
    primes = {row[0]: row[-1] for row in pipeline.rows_as_of("v_prime_sportive_au", as_of)}
    assert primes == {employee: prime.amount for employee, prime in due.items()}


def test_run_journal_counts_changes_and_refusals_per_table(pipeline: PipelineRun) -> None:
    journal = "SELECT par_table, nb_modifications, nb_refus, nb_lignes FROM gold.v_journal WHERE par_table IS NOT NULL"
    for per_table, *totals in pipeline.query_rows(journal):
        tables = json.loads(per_table).values()
        assert [sum(table[count] for table in tables) for count in ("changes", "refused", "rows")] == totals
    first, second = ({result.table: result for result in run.catch_up_results} for run in pipeline.runs[:2])
    assert first["rh_employees"].rows == len(oracle.read_employees(pipeline.files))
    assert second["rh_employees"] == CatchUpResult("rh_employees", changes=1, refused=0, rows=1)
    assert second["strava_activities"].refused > 0


def test_refused_activities_are_counted_by_reason(pipeline: PipelineRun) -> None:
    refused = {row["activity_id"] for row in pipeline.postgres_rows("strava_activities") if not oracle.is_valid(row)}
    open_keys = {
        row.key
        for row in pipeline.lake.quarantine()
        .where("resolved_at IS NULL AND table_name = 'strava_activities'")
        .collect()
    }
    assert open_keys >= {f'{{"activity_id":{activity}}}' for activity in refused}
    reasons = {row[0] for row in pipeline.query_rows("SELECT motif FROM gold.v_qualite_donnees WHERE etat = 'ouvert'")}
    assert reasons <= {rule.message for rule in STRAVA_ACTIVITIES.rules} | {"message illisible", "en double"}
    assert reasons


def test_slack_gets_each_new_valid_activity_once(pipeline: PipelineRun, slack: FakeSlack) -> None:
    def count_pending() -> int:
        return sum(row["status"] == "pending" for row in pipeline.postgres_rows("ops.slack_outbox"))

    wait_until(lambda: count_pending() == 0, timeout=seconds(60), missing="the outbox to be empty")
    outbox = {row["activity_id"]: row for row in pipeline.postgres_rows("ops.slack_outbox")}
    withdrawn = {activity_id for activity_id, row in outbox.items() if row["status"] == "withdrawn"}
    assert {row["status"] for activity_id, row in outbox.items() if activity_id not in withdrawn} == {"sent"}
    assert len(slack.texts) == slack.posted == len(outbox) - len(withdrawn)
    live_since = pipeline.postgres_rows("ops.go_live")[0]["live_since"]
    expected = {
        row["activity_id"]
        for row in pipeline.postgres_rows("strava_activities")
        if row["created_at"] > live_since and oracle.is_valid(row) and not row["private"]
    }
    assert expected <= set(outbox) - withdrawn  # withdrawn is what was deleted before it was sent
    assert expected


def test_activities_as_real_exports_have_them_are_counted_and_announced(pipeline: PipelineRun) -> None:
    silver = pipeline.lake.silver(STRAVA_ACTIVITIES).where(f"activity_id IN {REAL_ACTIVITY_IDS}")
    assert {row.activity_id for row in silver.collect()} == {*REAL_ACTIVITY_IDS}

    def announced() -> dict[int, str]:
        rows = pipeline.postgres_rows("ops.slack_outbox")
        return {row["activity_id"]: row["message"] for row in rows if row["activity_id"] in REAL_ACTIVITY_IDS}

    wait_until(lambda: len(announced()) == len(REAL_ACTIVITY_IDS), timeout=seconds(60), missing="their messages")
    for activity_id, distance, duration in zip(
        REAL_ACTIVITY_IDS, ("12 km", "9 km", "5 km"), ("1 h", "1 h", "30 min"), strict=True
    ):
        assert f" {distance} " in announced()[activity_id]
        assert f" en {duration} " in announced()[activity_id]


def test_a_message_that_is_not_json_stops_nothing(pipeline: PipelineRun) -> None:
    producer = KafkaProducer(**client_config(pipeline.settings))
    producer.send(STRAVA_ACTIVITIES.topic, b"this is no json").get(timeout=seconds(30))
    producer.close()
    with connect(pipeline.settings, autocommit=True) as conn:
        after = insert_one(conn, Random(8), read_athletes(conn), 0.0)
    assert after is not None
    run = pipeline.refresh()
    assert sum(result.refused for result in run.catch_up_results) == 1
    bronze = pipeline.lake.read("bronze", "strava_activities")
    assert bronze.where("op IS NULL").first()["value"] == "this is no json"  # type: ignore[index]
    assert pipeline.lake.quarantine().where("array_contains(reasons, 'message illisible')").count() == 1
    assert pipeline.lake.silver(STRAVA_ACTIVITIES).where(f"activity_id = {after.activity_id}").count() == 1


def test_bronze_holds_each_offset_once(pipeline: PipelineRun) -> None:
    for contract in CAPTURED:
        bronze = pipeline.lake.read("bronze", contract.table)
        counted = bronze.selectExpr("count(*)", "count(DISTINCT incarnation, partition, offset)", "max(offset)").first()
        assert counted is not None
        assert counted[0] == counted[1] == counted[2] + 1


def test_beeline_query_returns_the_row_count(pipeline: PipelineRun) -> None:
    beeline = ROOT / ".venv" / "bin" / "beeline"
    address = f"{pipeline.settings.thrift_host}:{pipeline.settings.thrift_port}"
    count = f"SELECT COUNT(*) FROM delta.`{pipeline.settings.lake}/bronze/strava_activities`;"  # noqa: S608 - the test's own path
    env = {"PATH": f"{beeline.parent}:/usr/bin:/bin", "JAVA_HOME": str(pipeline.settings.java_home)}
    completed = subprocess.run(
        [str(beeline), "-u", f"jdbc:hive2://{address}", "-n", "admin", "-e", count],
        env=env,
        capture_output=True,
        text=True,
        check=True,
    )
    row_count = pipeline.lake.read("bronze", "strava_activities").count()
    assert f"| {row_count} " in completed.stdout


def _as_oracle(row: tuple[Any, ...]) -> tuple[Any, ...]:
    _, _, unit, salary, _, distance_km, source, eligible, motif, amount = row
    return unit, Decimal(str(salary)).quantize(Decimal("0.01")), distance_km, source, eligible, motif, amount


def _key(contract: Any, row: Mapping[str, Any]) -> tuple[Any, ...]:
    return tuple(row[name] for name in contract.key)


def _comparable(contract: Any, row: Mapping[str, Any]) -> dict[str, Any]:
    """Return a row's values without the payload, with instants as naive UTC datetimes, as Spark returns them."""
    plain = {name: row[name] for name in contract.columns if name != "raw_payload"}
    return {name: _instant(value) if contract.columns[name] == "timestamp" else value for name, value in plain.items()}


def _instant(value: datetime | None) -> datetime | None:
    if value is None or value.tzinfo is None:
        return value
    return value.astimezone(timezone.utc).replace(tzinfo=None)
