"""Changes of strava_activities made by Postgres itself: 80 % inserts, 18 % updates, 2 % deletes.

No row is owed a message: all were created before the system went live.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import count
from random import Random

import psycopg

# Blocks of ids, far below the clock's, which the simulator's follow.
blocks = count(1_000_000_000, 1_000_000_000)
INSERTED, UPDATED = 0.80, 0.18
# As wide as the simulator's rows, payload included; within the contract's rules.
INSERT = """
    INSERT INTO public.strava_activities
    SELECT id, employee, 'Course du matin', distance, moving, moving + 120, id % 300, 'Run', 'Run', began,
           began::timestamp + interval '1 hour', '(GMT+01:00) Europe/Paris', 3600, false, false, false, false,
           moving / 5,
           jsonb_build_object(
             'id', id, 'resource_state', 3, 'athlete', jsonb_build_object('id', employee, 'resource_state', 1),
             'name', 'Course du matin', 'description', NULL, 'distance', distance, 'moving_time', moving,
             'elapsed_time', moving + 120, 'total_elevation_gain', id % 300, 'type', 'Run', 'sport_type', 'Run',
             'start_date', began, 'start_date_local', began, 'timezone', '(GMT+01:00) Europe/Paris',
             'utc_offset', 3600.0, 'average_speed', round(distance::numeric / moving, 3), 'calories', moving / 5,
             'commute', false, 'manual', false, 'private', false, 'flagged', false),
           began + interval '2 hours'
    FROM (SELECT id, (%(people)s::int[])[1 + id % cardinality(%(people)s::int[])] AS employee,
                 1800 + id % 3600 AS moving, 2 * (1800 + id % 3600) AS distance,
                 date_trunc('second', now()) - (1 + id / 100 % 300) * interval '1 day' AS began
          FROM generate_series(%(first)s::bigint, %(last)s::bigint) id) AS made
"""
UPDATE = "UPDATE public.strava_activities SET calories = calories + 1 WHERE activity_id BETWEEN %(first)s AND %(last)s"
DELETE = "DELETE FROM public.strava_activities WHERE activity_id BETWEEN %(first)s AND %(last)s"


@dataclass
class Changes:
    """Rows of ids in a row: new ones at the one end, deletes at the other, updates anywhere between."""

    people: Sequence[int]
    first: int  # the smallest id that is left
    end: int = 0
    rng: Random = field(default_factory=lambda: Random(1))

    def __post_init__(self) -> None:
        self.end = self.end or self.first

    def commit(self, conn: psycopg.Connection, rows: int) -> int:
        """Make so many changes in one transaction, in these shares; give how many were made."""
        inserted, updated, deleted = shares(rows, self.rng)
        with conn.transaction():
            made = self.insert(conn, inserted)
            made += self._touch(conn, UPDATE, self._anywhere(updated), updated)
            made += self._touch(conn, DELETE, self.first, deleted)
        self.first += deleted
        return made

    def insert(self, conn: psycopg.Connection, rows: int) -> int:
        """Insert the next so many rows, and nothing else."""
        values = {"people": list(self.people), "first": self.end, "last": self.end + rows - 1}
        self.end += rows
        return conn.execute(INSERT.replace(" % ", " %% ").encode(), values).rowcount if rows else 0

    def _touch(self, conn: psycopg.Connection, statement: str, first: int, rows: int) -> int:
        values = {"first": first, "last": first + rows - 1}
        return conn.execute(statement.encode(), values).rowcount if rows else 0

    def _anywhere(self, rows: int) -> int:
        return self.rng.randrange(self.first, max(self.first + 1, self.end - rows))


def shares(rows: int, rng: Random) -> tuple[int, int, int]:
    """Give how many of some changes insert, update and delete; where that is no whole number, chance decides."""
    updated = _whole(rows * UPDATED, rng)
    deleted = min(_whole(rows * (1 - INSERTED - UPDATED), rng), rows - updated)
    return rows - updated - deleted, updated, deleted


def athletes(conn: psycopg.Connection) -> list[int]:
    """Give the employees who practise a sport."""
    found = conn.execute("SELECT id FROM public.sport_activities WHERE pratique_sport IS NOT NULL ORDER BY id")
    return [row[0] for row in found]


def _whole(number: float, rng: Random) -> int:
    return int(number) + (rng.random() < number % 1)
