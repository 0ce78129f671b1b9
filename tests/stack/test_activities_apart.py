"""One person's generated activities overlap neither each other nor what Postgres has already."""

from pathlib import Path
from random import Random

from benchmarks.changes import Changes, earliest_start, id_blocks
from lakehouse.settings import Settings
from lakehouse.simulator.activity_table import read_athletes
from lakehouse.simulator.cli import insert_one, insert_past_activities
from lakehouse.source.postgres import connect
from stack.hr_load import execute, fetch_rows, load_hr_files, staff_who_run

ATHLETES, NEW_ACTIVITIES = 3, 40
LOAD_ROWS = 11_000  # 3,667 of each athlete: more than the slots of 300 days
COUNT_OVERLAPS = """
    SELECT count(*) FROM (
      SELECT start_date_utc < max(start_date_utc + greatest(moving_time_s, elapsed_time_s) * interval '1 second') OVER (
        PARTITION BY employee_id ORDER BY start_date_utc, activity_id ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
      ) AS is_overlapping
      FROM strava_activities
    ) AS activity
    WHERE is_overlapping
"""


def test_histories_and_new_activities_of_one_person_do_not_overlap(database: Settings, tmp_path: Path) -> None:
    hr, sports = staff_who_run(ATHLETES)
    load_hr_files(database, tmp_path, hr, *sports)
    execute(
        database,
        # Typed in by hand, a month long, of unknown length, and never ended.
        "INSERT INTO strava_activities (activity_id, employee_id, start_date_utc, moving_time_s, elapsed_time_s) "
        "VALUES (1, 1, now() - interval '20 minutes', 0, 600), (2, 1, now() - interval '60 days', NULL, 2592000), "
        "(3, 2, now() - interval '1 day', NULL, NULL), (4, 2, NULL, 60, 60)",
    )
    with connect(database, autocommit=True) as conn:
        rng, people = Random(1), read_athletes(conn)
        inserted = insert_past_activities(conn, rng, people, 12) + insert_past_activities(conn, rng, people, 3)
        for _ in range(NEW_ACTIVITIES):
            assert insert_one(conn, rng, people, 0.0)
    assert fetch_rows(database, "SELECT count(*) FROM strava_activities") == [(4 + inserted + NEW_ACTIVITIES,)]
    assert fetch_rows(database, COUNT_OVERLAPS) == [(0,)]


def test_benchmarks_activities_of_one_person_do_not_overlap(database: Settings, tmp_path: Path) -> None:
    hr, sports = staff_who_run(ATHLETES)
    load_hr_files(database, tmp_path, hr, *sports)
    with connect(database, autocommit=True) as conn:
        insert_past_activities(conn, Random(1), people := read_athletes(conn), 2)
        ids = [person.employee_id for person in people]
        for _ in range(2):
            changes, before = Changes(ids, first_id=next(id_blocks)), earliest_start(conn, ids)
            assert changes.insert(conn, 100) + changes.insert(conn, LOAD_ROWS - 100) == LOAD_ROWS
            assert earliest_start(conn, ids) < before
    assert fetch_rows(database, COUNT_OVERLAPS) == [(0,)]
