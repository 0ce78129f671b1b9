"""Reads and inserts of the simulator in Postgres: athletes, free activity ids, activities, and go-live."""

from collections.abc import Iterable
from dataclasses import fields, replace
from typing import Any

from lakehouse.simulator.activity_generator import Activity, Athlete
from lakehouse.source.postgres import Connection, Jsonb

INSERT_COLUMNS = [field.name for field in fields(Activity)]


def read_athletes(conn: Connection) -> list[Athlete]:
    """Return the employees who practise a sport, ordered by id."""
    rows = conn.execute(
        "SELECT id, pratique_sport FROM public.sport_activities WHERE pratique_sport IS NOT NULL ORDER BY id"
    )
    return [Athlete(*row) for row in rows]


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
