"""Changes of strava_activities in SQL: 80 % inserts, 18 % updates, 2 % deletes.

No row is due a Slack message, because all are created before go-live. One person's activities do not overlap.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import count
from random import Random

from lakehouse.source.postgres import Connection

# Blocks of ids, far below the simulator's, which follow the clock.
id_blocks = count(1_000_000_000, 1_000_000_000)
INSERT_SHARE, UPDATE_SHARE = 0.80, 0.18
# As wide as the simulator's rows, payload included, and valid by the contract's rules.
# The n-th activity of a person is on one of the 300 days before all that the person has, in the order 7, 14, 21…, so
# that few activities spread over the year too. A day has twelve slots of two hours; 3,600 more begin 300 days earlier.
INSERT_ROWS = """
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
                 %(before)s - (1 + n * 7 % 300 + n / 3600 * 300) * interval '1 day' - n / 300 % 12 * interval '2 hours'
                   AS began
          FROM generate_series(%(first)s::bigint, %(last)s::bigint) id,
               LATERAL (SELECT (id - %(block)s) / cardinality(%(people)s::int[]) AS n) AS of_person) AS new_rows
"""
SELECT_EARLIEST_START = """
    SELECT date_trunc('second', least(now(), min(start_date_utc))) FROM public.strava_activities
    WHERE employee_id = ANY(%s)
"""
UPDATE_ROWS = (
    "UPDATE public.strava_activities SET calories = calories + 1 WHERE activity_id BETWEEN %(first)s AND %(last)s"
)
DELETE_ROWS = "DELETE FROM public.strava_activities WHERE activity_id BETWEEN %(first)s AND %(last)s"


@dataclass
class Changes:
    """Rows with consecutive ids: inserts after the last, deletes from the first on, updates anywhere between."""

    employee_ids: Sequence[int]
    first_id: int  # the smallest id not deleted
    next_id: int = 0
    rng: Random = field(default_factory=lambda: Random(1))
    block: int = field(init=False)  # the first row's id
    before: datetime | None = field(init=False, default=None)  # all rows end before it; known at the first insert

    def __post_init__(self) -> None:
        self.next_id = self.next_id or self.first_id
        self.block = self.next_id

    def commit(self, conn: Connection, rows: int) -> int:
        """Commit a number of changes in one transaction, and return how many rows changed."""
        inserted, updated, deleted = split_by_operation(rows, self.rng)
        with conn.transaction():
            changed_rows = self.insert(conn, inserted)
            changed_rows += self._execute(conn, UPDATE_ROWS, self._random_first_id(updated), updated)
            changed_rows += self._execute(conn, DELETE_ROWS, self.first_id, deleted)
        self.first_id += deleted
        return changed_rows

    def insert(self, conn: Connection, rows: int) -> int:
        """Insert the next `rows` rows, and return their number."""
        people = list(self.employee_ids)
        if self.before is None:
            self.before = earliest_start(conn, people)
        values = {"people": people, "first": self.next_id, "last": self.next_id + rows - 1}
        values |= {"before": self.before, "block": self.block}
        self.next_id += rows
        return conn.execute(INSERT_ROWS.replace(" % ", " %% "), values).rowcount if rows else 0

    def _execute(self, conn: Connection, statement: str, first: int, rows: int) -> int:
        values = {"first": first, "last": first + rows - 1}
        return conn.execute(statement, values).rowcount if rows else 0

    def _random_first_id(self, rows: int) -> int:
        return self.rng.randrange(self.first_id, max(self.first_id + 1, self.next_id - rows))


def split_by_operation(rows: int, rng: Random) -> tuple[int, int, int]:
    """Return how many of the changes are inserts, updates and deletes; fractions are rounded up or down at random."""
    updated = _round_at_random(rows * UPDATE_SHARE, rng)
    deleted = min(_round_at_random(rows * (1 - INSERT_SHARE - UPDATE_SHARE), rng), rows - updated)
    return rows - updated - deleted, updated, deleted


def athlete_ids(conn: Connection) -> list[int]:
    """Return the ids of the employees who practise a sport, in ascending order; the first belongs to the probes."""
    rows = conn.execute("SELECT id FROM public.sport_activities WHERE pratique_sport IS NOT NULL ORDER BY id OFFSET 1")
    return [row[0] for row in rows]


def earliest_start(conn: Connection, employee_ids: Sequence[int]) -> datetime:
    """Return the start of the earliest activity of these people in Postgres, or now where there is none."""
    [start] = conn.execute(SELECT_EARLIEST_START, [list(employee_ids)]).fetchone() or [None]
    assert isinstance(start, datetime)
    return start


def _round_at_random(number: float, rng: Random) -> int:
    return int(number) + (rng.random() < number % 1)
