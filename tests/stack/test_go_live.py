"""History is backfilled once, and only activities created after go-live are due a Slack message."""

from pathlib import Path
from random import Random

import pytest

from lakehouse.contracts import STRAVA_ACTIVITIES
from lakehouse.errors import NotReady
from lakehouse.settings import Settings
from lakehouse.simulator.activity_table import next_activity_id, read_athletes
from lakehouse.simulator.cli import insert_one, insert_past_activities
from lakehouse.simulator.invalid_activities import CORRUPTIONS
from lakehouse.source.postgres import connect, system_identifier
from stack.hr_load import execute, fetch_rows, load_hr_files, staff_who_run
from support.hr_files import staff

COUNT_DUE_MESSAGES = "SELECT count(*) FROM strava_activities, ops.go_live WHERE created_at > live_since"
RULE_CHECKS = ", ".join(f"({rule.when}) AS {rule.name}" for rule in STRAVA_ACTIVITIES.rules)
FAILED_RULES = (
    f"SELECT to_jsonb(r) FROM (SELECT {RULE_CHECKS} "  # noqa: S608 - our contract
    "FROM (SELECT *, created_at AS committed_at FROM strava_activities) a) r"
)


def refusal_reasons(database: Settings) -> list[set[str]]:
    """Return the names of the violated rules of each refused activity, as Postgres evaluates the contract."""
    violations = [{name for name, holds in row.items() if holds} for (row,) in fetch_rows(database, FAILED_RULES)]
    return [names for names in violations if names]


def test_backfilled_history_is_valid_and_sends_no_slack_message(database: Settings, tmp_path: Path) -> None:
    hr, sports = staff_who_run(20)
    load_hr_files(database, tmp_path, hr, *sports, history_months=12)
    assert fetch_rows(database, "SELECT count(*) > 300 FROM strava_activities") == [(True,)]
    assert fetch_rows(database, COUNT_DUE_MESSAGES) == [(0,)]
    assert refusal_reasons(database) == []


def test_second_load_does_not_go_live_again(database: Settings, tmp_path: Path) -> None:
    load_hr_files(database, tmp_path, staff(2))
    live = fetch_rows(database, "SELECT * FROM ops.go_live")
    assert load_hr_files(database, tmp_path, staff(2), history_months=12)[-1] == "déjà en service"
    assert fetch_rows(database, "SELECT * FROM ops.go_live") == live
    assert fetch_rows(database, "SELECT count(*) FROM strava_activities") == [(0,)]


def test_existing_activities_prevent_a_backfill(database: Settings, tmp_path: Path) -> None:
    load_hr_files(database, tmp_path, staff(1))
    execute(database, "INSERT INTO strava_activities (activity_id, employee_id) VALUES (1, 1)")
    execute(database, "DELETE FROM ops.go_live")
    load_hr_files(database, tmp_path, staff(1), history_months=12)
    assert fetch_rows(database, "SELECT activity_id FROM strava_activities") == [(1,)]
    assert fetch_rows(database, "SELECT count(*) FROM ops.go_live") == [(1,)]


def test_new_activities_are_valid_and_due_a_slack_message(database: Settings, tmp_path: Path) -> None:
    hr, sports = staff_who_run(3)
    load_hr_files(database, tmp_path, hr, *sports)
    with connect(database, autocommit=True) as conn:
        inserted = [insert_one(conn, Random(number), read_athletes(conn), 0.0) for number in range(20)]
    assert fetch_rows(database, COUNT_DUE_MESSAGES) == [(20,)]
    assert refusal_reasons(database) == []
    assert len({activity.activity_id for activity in inserted if activity}) == 20


def test_each_invalid_activity_is_refused_for_its_own_reason(database: Settings, tmp_path: Path) -> None:
    hr, sports = staff_who_run(3)
    load_hr_files(database, tmp_path, hr, *sports)
    with connect(database, autocommit=True) as conn:
        for number in range(60):
            insert_one(conn, Random(number), read_athletes(conn), 1.0)
    violations = refusal_reasons(database)
    assert len(violations) == 60
    # An activity that ends before its start also moves for longer than it lasted.
    assert {name for names in violations for name in names} == {*CORRUPTIONS, "moving_over_elapsed"}
    assert all(len(names - {"moving_over_elapsed"}) == 1 for names in violations)


def test_history_inserted_after_go_live_sends_no_slack_message(database: Settings, tmp_path: Path) -> None:
    hr, sports = staff_who_run(3)
    load_hr_files(database, tmp_path, hr, *sports)
    execute(database, "UPDATE ops.go_live SET live_since = now() - interval '6 months'")
    with connect(database, autocommit=True) as conn:
        count = insert_past_activities(conn, Random(1), read_athletes(conn), 12)
    assert fetch_rows(database, "SELECT count(*) FROM strava_activities") == [(count,)]
    assert fetch_rows(database, COUNT_DUE_MESSAGES) == [(0,)]


def test_activity_id_is_not_reused_after_a_delete(database: Settings, tmp_path: Path) -> None:
    hr, sports = staff_who_run(1)
    load_hr_files(database, tmp_path, hr, *sports)
    with connect(database, autocommit=True) as conn:
        first = insert_one(conn, Random(1), read_athletes(conn), 0.0)
        conn.execute("DELETE FROM strava_activities")
        assert first
        assert next_activity_id(conn) > first.activity_id
        execute(
            database,
            "INSERT INTO strava_activities (activity_id, employee_id) VALUES (9000000000000000, 1)",
        )
        assert next_activity_id(conn) == 9_000_000_000_000_001


def test_simulator_skips_an_employee_deleted_meanwhile(database: Settings, tmp_path: Path) -> None:
    hr, sports = staff_who_run(2)
    load_hr_files(database, tmp_path, hr, *sports)
    with connect(database, autocommit=True) as conn:
        people = read_athletes(conn)
        conn.execute("DELETE FROM rh_employees")
        assert insert_one(conn, Random(1), people, 0.0) is None


def test_postgres_system_identifier_is_stable(database: Settings) -> None:
    with connect(database) as conn:
        assert system_identifier(conn) == system_identifier(conn) > 0


def test_unreachable_postgres_is_an_error_with_its_address(database: Settings) -> None:
    unreachable = database.model_copy(update={"db_port": 1})
    with pytest.raises(NotReady, match=rf"{database.db_host}:1, .*make up"):
        connect(unreachable, timeout=0.2)
