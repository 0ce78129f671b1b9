"""Activities in Postgres: who can have one, which ids are free, putting them in."""

from collections.abc import Iterable
from dataclasses import dataclass, fields, replace
from datetime import datetime
from typing import Any

import psycopg
from psycopg.types.json import Jsonb

from lakehouse.settings import Settings
from lakehouse.simulator.activity_generator import Activity, Athlete
from lakehouse.source.postgres import short_connection

ACTIVITY_COLUMNS = [field.name for field in fields(Activity)]


@dataclass(frozen=True)
class GoLive:
    """When the first load ended, and the transaction that ended it, as Debezium numbers it."""

    live_since: datetime
    tx_id: int


def read_athletes(conn: psycopg.Connection) -> list[Athlete]:
    """Give the employees who practise a sport, by id."""
    found = conn.execute(
        "SELECT id, pratique_sport FROM public.sport_activities WHERE pratique_sport IS NOT NULL ORDER BY id"
    )
    return [Athlete(*row) for row in found]


def next_activity_id(conn: psycopg.Connection) -> int:
    """Give an activity_id from which on all are free.

    It follows the clock (µs), so that an id is not used again when its activity was deleted: Slack would take
    the new one for the old.
    """
    row = conn.execute(
        """
        SELECT greatest(max(activity_id) + 1, (extract(epoch FROM clock_timestamp()) * 1000000)::bigint)
        FROM public.strava_activities
        """
    ).fetchone()
    return int(row[0]) if row else 1


def db_now(conn: psycopg.Connection) -> datetime:
    """Give Postgres's time: the clock that created_at is read from."""
    row = conn.execute("SELECT clock_timestamp()").fetchone()
    assert row is not None  # noqa: S101 - a SELECT without FROM gives one row
    moment: datetime = row[0]
    return moment


def read_go_live(settings: Settings) -> GoLive | None:
    """Give when the first load ended, and in which transaction: it commits just after that moment."""
    with short_connection(settings) as conn:
        row = conn.execute("SELECT live_since, xmin::text::bigint FROM ops.go_live").fetchone()
    return GoLive(*row) if row else None


def read_live_since(conn: psycopg.Connection) -> datetime | None:
    """Give when the first load ended, None before that."""
    row = conn.execute("SELECT live_since FROM ops.go_live").fetchone()
    return row[0] if row else None


def insert_activity(conn: psycopg.Connection, activity: Activity) -> None:
    """Put one activity in, created now, in a transaction of its own."""
    values = _to_row(replace(activity, created_at=None))[:-1]
    columns, placeholders = ", ".join(ACTIVITY_COLUMNS[:-1]), ", ".join(["%s"] * len(values))
    with conn.transaction():
        conn.execute(f"INSERT INTO public.strava_activities ({columns}) VALUES ({placeholders})", values)  # noqa: S608 - our own column names


def copy_activities(conn: psycopg.Connection, activities: Iterable[Activity]) -> int:
    """Put many in at once, within the caller's transaction; give how many."""
    count = 0
    with conn.cursor().copy(f"COPY public.strava_activities ({', '.join(ACTIVITY_COLUMNS)}) FROM STDIN") as copied:
        for count, activity in enumerate(activities, start=1):  # noqa: B007 - the last count is the answer
            copied.write_row(_to_row(activity))
    return count


def _to_row(activity: Activity) -> list[Any]:
    return [
        Jsonb(value) if name == "raw_payload" else value
        for name in ACTIVITY_COLUMNS
        for value in [getattr(activity, name)]
    ]
