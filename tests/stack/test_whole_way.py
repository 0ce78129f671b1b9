"""From the files to the figures over the Thrift server: an oracle in plain Python, and Silver against Postgres."""

import json
import subprocess
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta, timezone
from decimal import Decimal
from functools import partial
from pathlib import Path
from random import Random
from typing import Any

import pytest
from kafka import KafkaProducer
from psycopg import sql
from psycopg.rows import dict_row
from pyspark.sql import SparkSession
from pytest_httpserver import HTTPServer

import oracle
from lakehouse.cdc.catalog import Catalog
from lakehouse.cdc.lake import Lake
from lakehouse.cdc.silver import Caught
from lakehouse.clock import today
from lakehouse.contracts import CAPTURED, STRAVA_ACTIVITIES
from lakehouse.gold.answers import figures_as_of
from lakehouse.gold.past import Question
from lakehouse.gold.refresh import Compute, refresh
from lakehouse.gold.runs import Run
from lakehouse.gold.today import figures_of_the_day
from lakehouse.local.stack import Stack
from lakehouse.serving.client import query
from lakehouse.settings import ROOT, Settings
from lakehouse.source import cut
from lakehouse.source.full_load import Order, full_load
from lakehouse.source.postgres import connect
from lakehouse.source.recorded import athletes, went_live
from lakehouse.source.sample_company import sample
from lakehouse.source.simulate import one
from lakehouse.waiting import wait_until

NEW, WRONG = 40, 0.3


@dataclass(frozen=True)
class Walked:
    """The whole way, walked once: load, history, refresh; then new activities, changes, leavers, refresh again."""

    settings: Settings
    lake: Lake
    files: Path
    gone: int
    runs: list[Run] = field(default_factory=list)

    def refresh(self, day: date | None = None, compute: Compute = figures_of_the_day) -> Run:
        everything = cut.of_everything(self.settings, self.lake.catalog, CAPTURED, patience=60)
        self.runs.append(refresh(self.lake, everything, day or today(), compute))
        return self.runs[-1]

    def ask_of(self, question: Question) -> None:
        """Compute another day's figures."""
        self.refresh(question.as_of, partial(figures_as_of, question=question, live=went_live(self.settings)))

    def answer(self, view: str, question: Question) -> list[tuple[Any, ...]]:
        """Give a view's rows for a question, without its two days."""
        asked = f"as_of = DATE'{question.as_of}' AND known_at = DATE'{question.known_at}'"
        return [row[2:] for row in self.ask(f"SELECT * FROM gold.{view} WHERE {asked}")]  # noqa: S608 - our own names

    def rows(self, table: str) -> list[dict[str, Any]]:
        everything = sql.SQL("SELECT * FROM {}").format(sql.Identifier(*table.split(".")))
        with connect(self.settings) as conn:
            return conn.cursor(row_factory=dict_row).execute(everything).fetchall()

    def ask(self, question: str) -> list[tuple[Any, ...]]:
        return query(self.settings, question).rows

    def staff(self) -> list[oracle.Employee]:
        return [employee for employee in oracle.employees(self.files) if employee.id != self.gone]


@pytest.fixture(scope="module")
def walked(stack: Stack, spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Walked:
    files = tmp_path_factory.mktemp("input")
    sample(files)
    settings = stack.settings
    order = Order(folder=files, effective_from=None, allow_mass_delete=False, history_months=2, seed=1, wait=0.0)
    list(full_load(settings, order))
    with connect(settings, autocommit=True) as conn:
        gone = max(athlete.employee_id for athlete in athletes(conn))
    walked = Walked(settings, Lake(spark, Catalog(settings.lake)), files, gone)
    wait_until(lambda: walked.rows("distance_cache"), timeout=60, missing="the distance worker's answers")
    walked.refresh()
    with connect(settings, autocommit=True) as conn:
        rng, people = Random(7), athletes(conn)
        for _ in range(NEW):
            one(conn, rng, people, WRONG)
        conn.execute("DELETE FROM rh_employees WHERE id = %s", [gone])
        conn.execute("UPDATE strava_activities SET flagged = true WHERE activity_id % 10 = 0")
        conn.execute("DELETE FROM strava_activities WHERE activity_id % 10 = 1")
    walked.refresh()
    return walked


def test_the_prime_is_the_oracles_to_the_cent(walked: Walked) -> None:
    rules = oracle.rules_on(walked.rows("reward_rules"), today())
    expected = oracle.prime(walked.staff(), walked.rows("distance_cache"), rules)
    answered = {row[0]: row for row in walked.ask("SELECT * FROM gold.v_prime_sportive")}
    assert {employee: _shown(row) for employee, row in answered.items()} == {
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


def test_wellbeing_is_the_oracles_to_the_second(walked: Walked) -> None:
    rules = walked.rows("reward_rules")
    expected = oracle.wellbeing(walked.staff(), walked.rows("strava_activities"), rules, today())
    answered = {row[:2]: row[2:] for row in walked.ask("SELECT * FROM gold.v_wellbeing")}
    assert answered == {
        key: (done.activities, done.first, done.last, done.eligible, done.days, done.missing)
        for key, done in expected.items()
    }
    assert sum(done.activities for done in expected.values()) > NEW


@pytest.mark.parametrize("contract", CAPTURED, ids=lambda contract: contract.table)
def test_silver_is_postgres_but_for_what_is_refused(walked: Walked, contract: Any) -> None:
    silver = {_key(contract, row): row for row in (r.asDict() for r in walked.lake.silver(contract).collect())}
    held = {_key(contract, row): row for row in walked.rows(contract.table)}
    refused = set(held) - set(silver)
    if contract is STRAVA_ACTIVITIES:
        assert refused == {_key(contract, row) for row in held.values() if not oracle.valid(row)}
        assert refused
    else:
        assert not refused
    assert {key: _plain(contract, row) for key, row in silver.items()} == {
        key: _plain(contract, row) for key, row in held.items() if key not in refused
    }


@pytest.mark.long
def test_as_of_today_the_figures_are_todays(walked: Walked) -> None:
    asked = Question(today(), today())
    walked.ask_of(asked)
    primes, days = walked.ask("SELECT * FROM gold.v_prime_sportive"), walked.ask("SELECT * FROM gold.v_wellbeing")
    assert Counter(walked.answer("v_prime_sportive_au", asked)) == Counter(primes)
    assert Counter(walked.answer("v_kpi_au", asked)) == Counter(walked.ask("SELECT * FROM gold.v_kpi"))
    assert Counter(walked.answer("v_wellbeing_au", asked)) == Counter(row for row in days if row[1] == today().year)


def test_yesterday_whoever_left_today_was_there_and_whatever_is_known_now_counts(walked: Walked) -> None:
    asked = Question(today() - timedelta(days=1), today())
    before = walked.ask("SELECT * FROM gold.v_kpi ORDER BY business_unit")
    walked.ask_of(asked)
    assert walked.ask("SELECT * FROM gold.v_kpi ORDER BY business_unit") == before
    rules = walked.rows("reward_rules")
    expected = oracle.wellbeing(walked.staff(), walked.rows("strava_activities"), rules, asked.as_of)
    found = {row[0]: row[2:] for row in walked.answer("v_wellbeing_au", asked)}
    assert found.pop(walked.gone)[0] > 0
    assert found == {
        who: (done.activities, done.first, done.last, done.eligible, done.days, done.missing)
        for (who, year), done in expected.items()
        if year == asked.as_of.year
    }
    held = oracle.rules_on(rules, asked.as_of)
    due = oracle.prime(oracle.employees(walked.files), walked.rows("distance_cache"), held)
    primes = {row[0]: row[-1] for row in walked.answer("v_prime_sportive_au", asked)}
    assert primes == {who: one.amount for who, one in due.items()}


def test_the_journal_says_what_each_table_took_in_and_refused(walked: Walked) -> None:
    journal = "SELECT par_table, nb_modifications, nb_refus, nb_lignes FROM gold.v_journal WHERE par_table IS NOT NULL"
    for told, *totals in walked.ask(journal):
        tables = json.loads(told).values()
        assert [sum(one[count] for one in tables) for count in ("changes", "refused", "rows")] == totals
    first, second = ({one.table: one for one in run.caught} for run in walked.runs[:2])
    assert first["rh_employees"].rows == len(oracle.employees(walked.files))
    assert second["rh_employees"] == Caught("rh_employees", changes=1, refused=0, rows=1)
    assert second["strava_activities"].refused > 0


def test_what_is_refused_is_counted_by_reason(walked: Walked) -> None:
    refused = {row["activity_id"] for row in walked.rows("strava_activities") if not oracle.valid(row)}
    open_keys = {
        row.key
        for row in walked.lake.quarantine().where("closed_at IS NULL AND table_name = 'strava_activities'").collect()
    }
    assert open_keys >= {f'{{"activity_id":{activity}}}' for activity in refused}
    reasons = {row[0] for row in walked.ask("SELECT motif FROM gold.v_qualite_donnees WHERE etat = 'ouvert'")}
    assert reasons <= {rule.says for rule in STRAVA_ACTIVITIES.rules} | {"message illisible"}
    assert reasons


def test_slack_gets_each_new_valid_activity_once(walked: Walked, slack: HTTPServer) -> None:
    def waiting() -> int:
        return sum(row["status"] == "pending" for row in walked.rows("ops.slack_outbox"))

    wait_until(lambda: waiting() == 0, timeout=60, missing="the outbox to be empty")
    outbox = {row["activity_id"]: row for row in walked.rows("ops.slack_outbox")}
    assert {row["status"] for row in outbox.values()} == {"sent"}
    posted = [request.get_json()["text"] for request, _ in slack.log if request.path.endswith("/X")]
    assert len(posted) == len(outbox)
    live = walked.rows("ops.go_live")[0]["live_since"]
    owed = {
        row["activity_id"]
        for row in walked.rows("strava_activities")
        if row["created_at"] > live and oracle.valid(row) and not row["private"]
    }
    assert owed <= set(outbox)
    assert owed


def test_a_message_that_is_not_json_stops_nothing(walked: Walked) -> None:
    producer = KafkaProducer(bootstrap_servers=walked.settings.kafka_bootstrap_servers)
    producer.send(STRAVA_ACTIVITIES.topic, b"this is no json").get(timeout=30)
    producer.close()
    with connect(walked.settings, autocommit=True) as conn:
        after = one(conn, Random(8), athletes(conn), 0.0)
    assert after is not None
    run = walked.refresh()
    assert sum(caught.refused for caught in run.caught) == 1
    bronze = walked.lake.read("bronze", "strava_activities")
    assert bronze.where("op IS NULL").first()["value"] == "this is no json"  # type: ignore[index]
    assert walked.lake.quarantine().where("array_contains(reasons, 'message illisible')").count() == 1
    assert walked.lake.silver(STRAVA_ACTIVITIES).where(f"activity_id = {after.activity_id}").count() == 1


def test_bronze_holds_each_offset_once(walked: Walked) -> None:
    for contract in CAPTURED:
        bronze = walked.lake.read("bronze", contract.table)
        counted = bronze.selectExpr("count(*)", "count(DISTINCT incarnation, partition, offset)", "max(offset)").first()
        assert counted is not None
        assert counted[0] == counted[1] == counted[2] + 1


def test_the_beeline_command_answers(walked: Walked) -> None:
    beeline = ROOT / ".venv" / "bin" / "beeline"
    address = f"{walked.settings.thrift_host}:{walked.settings.thrift_port}"
    count = f"SELECT COUNT(*) FROM delta.`{walked.settings.lake}/bronze/strava_activities`;"  # noqa: S608 - our path
    env = {"PATH": f"{beeline.parent}:/usr/bin:/bin", "JAVA_HOME": str(walked.settings.java_home)}
    done = subprocess.run(
        [str(beeline), "-u", f"jdbc:hive2://{address}", "-n", "admin", "-e", count],
        env=env,
        capture_output=True,
        text=True,
        check=True,
    )
    held = walked.lake.read("bronze", "strava_activities").count()
    assert f"| {held} " in done.stdout


def _shown(row: tuple[Any, ...]) -> tuple[Any, ...]:
    _, year, unit, salary, _, distance_km, source, eligible, motif, amount = row
    assert year == today().year
    return unit, Decimal(str(salary)).quantize(Decimal("0.01")), distance_km, source, eligible, motif, amount


def _key(contract: Any, row: Mapping[str, Any]) -> tuple[Any, ...]:
    return tuple(row[name] for name in contract.key)


def _plain(contract: Any, row: Mapping[str, Any]) -> dict[str, Any]:
    """Give the values as one side and the other both have them; Spark gives instants without a zone, in UTC."""
    plain = {name: row[name] for name in contract.columns if name != "raw_payload"}
    return {name: _instant(value) if contract.columns[name] == "timestamp" else value for name, value in plain.items()}


def _instant(value: datetime | None) -> datetime | None:
    if value is None or value.tzinfo is None:
        return value
    return value.astimezone(timezone.utc).replace(tzinfo=None)
