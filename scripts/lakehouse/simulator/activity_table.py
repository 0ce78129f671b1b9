"""Reads and inserts of the simulator in Postgres: athletes, free activity ids, activities, and go-live."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields, replace
from datetime import datetime
from typing import Any

from lakehouse.simulator.activity_generator import Activity, Athlete
from lakehouse.simulator.busy_times import BusyInterval
from lakehouse.source.postgres import Connection, Jsonb

INSERT_COLUMNS = [field.name for field in fields(Activity)]


def read_athletes(conn: Connection) -> list[Athlete]:
    """Return the employees who practise a sport, ordered by id."""
    rows = conn.execute(
        "SELECT id, pratique_sport FROM public.sport_activities WHERE pratique_sport IS NOT NULL ORDER BY id"
    )
    return [Athlete(*row) for row in rows]


def read_busy_intervals(
    conn: Connection, athletes: Iterable[Athlete], until: datetime
) -> Mapping[int, Sequence[BusyInterval]]:
    """Return the intervals of each athlete's activities that start since 1900 and before `until`, by employee_id.

    An interval is as long as the longer of the activity's two durations.
    """
    rows = conn.execute(
        """
        SELECT employee_id, start_date_utc, start_date_utc + greatest(moving_time_s, elapsed_time_s) * interval '1 s'
        FROM public.strava_activities
        WHERE employee_id = ANY(%s) AND start_date_utc >= '1900-01-01' AND start_date_utc < %s
          AND greatest(moving_time_s, elapsed_time_s) > 0
        """,
        [[athlete.employee_id for athlete in athletes], until],
    )
    by_employee: dict[int, list[BusyInterval]] = defaultdict(list)
    for employee_id, start, end in rows:
        by_employee[employee_id].append(BusyInterval(start, end))
    return by_employee


def next_activity_id(conn: Connection) -> int:
    """Return an activity_id that is free, as are all after it.

    It is at least the clock in µs, so that the id of a deleted activity is not used again: the Slack notifier would
    mistake the new activity for the old one.
    """
    row = conn.execute(
        """
        SELECT greatest(max(activity_id) + 1, (extract(epoch FROM clock_timestamp()) * 1000000)::bigint)
        FROM public.strava_activities
        """
    ).fetchone()
    return int(row[0]) if row else 1


def insert_activity(conn: Connection, activity: Activity) -> None:
    """Insert one activity, created now, in a transaction of its own."""
    values = _to_row(replace(activity, created_at=None))[:-1]
    columns, placeholders = ", ".join(INSERT_COLUMNS[:-1]), ", ".join(["%s"] * len(values))
    with conn.transaction():
        conn.execute(f"INSERT INTO public.strava_activities ({columns}) VALUES ({placeholders})", values)  # noqa: S608 - our own column names


def copy_activities(conn: Connection, activities: Iterable[Activity]) -> int:
    """Insert many activities by COPY, in the caller's transaction, and return their number."""
    statement = f"COPY public.strava_activities ({', '.join(INSERT_COLUMNS)}) FROM STDIN"
    return conn.copy(statement, map(_to_row, activities))


def _to_row(activity: Activity) -> list[Any]:
    return [
        Jsonb(value) if name == "raw_payload" else value
        for name in INSERT_COLUMNS
        for value in [getattr(activity, name)]
    ]
