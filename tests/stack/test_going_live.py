"""The months before going live are put in once, and are owed nothing."""

from pathlib import Path
from random import Random

import pytest

from hr_files import staff
from lakehouse.contracts import STRAVA_ACTIVITIES
from lakehouse.errors import NotReady
from lakehouse.settings import Settings
from lakehouse.source.mistakes import MISTAKES
from lakehouse.source.postgres import connect, system_identifier
from lakehouse.source.recorded import athletes, free_id
from lakehouse.source.simulate import one, past
from stack.loading import load, rows, run, with_history

OWED = "SELECT count(*) FROM strava_activities, ops.go_live WHERE created_at > live_since"
REASONS = ", ".join(f"({rule.when}) AS {rule.name}" for rule in STRAVA_ACTIVITIES.rules)
REFUSED = (
    f"SELECT to_jsonb(r) FROM (SELECT {REASONS} FROM (SELECT *, created_at AS committed_at FROM strava_activities) a) r"  # noqa: S608 - our contract
)


def reasons(database: Settings) -> list[set[str]]:
    """Give why the contract refuses each activity that it refuses, by Postgres's reading of its rules."""
    found = [{name for name, holds in row.items() if holds} for (row,) in rows(database, REFUSED)]
    return [names for names in found if names]


def test_the_first_load_puts_in_months_that_the_contract_accepts_and_nobody_is_owed(
    database: Settings, tmp_path: Path
) -> None:
    hr, sports = with_history(20)
    load(database, tmp_path, hr, *sports, history_months=12)
    assert rows(database, "SELECT count(*) > 300 FROM strava_activities") == [(True,)]
    assert rows(database, OWED) == [(0,)]
    assert reasons(database) == []


def test_it_goes_live_once(database: Settings, tmp_path: Path) -> None:
    load(database, tmp_path, staff(2))
    live = rows(database, "SELECT * FROM ops.go_live")
    assert load(database, tmp_path, staff(2), history_months=12)[-1] == "live already"
    assert rows(database, "SELECT * FROM ops.go_live") == live
    assert rows(database, "SELECT count(*) FROM strava_activities") == [(0,)]


def test_activities_that_are_there_already_are_all_the_history(database: Settings, tmp_path: Path) -> None:
    load(database, tmp_path, staff(1))
    run(database, "INSERT INTO strava_activities (activity_id, employee_id) VALUES (1, 1)")
    run(database, "DELETE FROM ops.go_live")
    load(database, tmp_path, staff(1), history_months=12)
    assert rows(database, "SELECT activity_id FROM strava_activities") == [(1,)]
    assert rows(database, "SELECT count(*) FROM ops.go_live") == [(1,)]


def test_new_activities_are_accepted_and_owed(database: Settings, tmp_path: Path) -> None:
    hr, sports = with_history(3)
    load(database, tmp_path, hr, *sports)
    with connect(database, autocommit=True) as conn:
        made = [one(conn, Random(number), athletes(conn), 0.0) for number in range(20)]
    assert rows(database, OWED) == [(20,)]
    assert reasons(database) == []
    assert len({each.activity_id for each in made if each}) == 20


def test_each_mistake_is_refused_for_its_own_reason(database: Settings, tmp_path: Path) -> None:
    hr, sports = with_history(3)
    load(database, tmp_path, hr, *sports)
    with connect(database, autocommit=True) as conn:
        for number in range(60):
            one(conn, Random(number), athletes(conn), 1.0)
    found = reasons(database)
    assert len(found) == 60
    # Ending before the start is also moving for longer than it lasted.
    assert {name for names in found for name in names} == {*MISTAKES, "moving_over_elapsed"}
    assert all(len(names - {"moving_over_elapsed"}) == 1 for names in found)


def test_a_later_past_is_owed_nothing_either(database: Settings, tmp_path: Path) -> None:
    hr, sports = with_history(3)
    load(database, tmp_path, hr, *sports)
    run(database, "UPDATE ops.go_live SET live_since = now() - interval '6 months'")
    with connect(database, autocommit=True) as conn:
        count = past(conn, Random(1), athletes(conn), 12)
    assert rows(database, "SELECT count(*) FROM strava_activities") == [(count,)]
    assert rows(database, OWED) == [(0,)]


def test_an_id_is_not_used_again_after_its_activity_was_deleted(database: Settings, tmp_path: Path) -> None:
    hr, sports = with_history(1)
    load(database, tmp_path, hr, *sports)
    with connect(database, autocommit=True) as conn:
        first = one(conn, Random(1), athletes(conn), 0.0)
        conn.execute("DELETE FROM strava_activities")
        assert first
        assert free_id(conn) > first.activity_id
        run(
            database,
            "INSERT INTO strava_activities (activity_id, employee_id) VALUES (9000000000000000, 1)",
        )
        assert free_id(conn) == 9_000_000_000_000_001


def test_an_employee_who_leaves_meanwhile_stops_nothing(database: Settings, tmp_path: Path) -> None:
    hr, sports = with_history(2)
    load(database, tmp_path, hr, *sports)
    with connect(database, autocommit=True) as conn:
        people = athletes(conn)
        conn.execute("DELETE FROM rh_employees")
        assert one(conn, Random(1), people, 0.0) is None


def test_postgres_says_which_one_it_is(database: Settings) -> None:
    with connect(database) as conn:
        assert system_identifier(conn) == system_identifier(conn) > 0


def test_postgres_away_is_said_with_its_address(database: Settings) -> None:
    away = database.model_copy(update={"db_port": 1})
    with pytest.raises(NotReady, match=rf"{database.db_host}:1, .*make up"):
        connect(away, wait=0.2)
