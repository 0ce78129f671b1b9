"""A generated history of activities, in which some employees earn their days, some nearly do and some do not."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from random import Random
from types import MappingProxyType

from lakehouse.clock import PARIS
from lakehouse.simulator.activity_generator import Activity, Athlete, generate_activity
from lakehouse.simulator.activity_table import copy_activities, next_activity_id, read_athletes, read_busy_intervals
from lakehouse.simulator.busy_times import BusyInterval
from lakehouse.source.postgres import Connection, db_now

MONTH = timedelta(days=365.25 / 12)
# Shares of the athletes, and their activities a year (minimum, maximum); the others are regular.
OCCASIONAL_SHARE, OCCASIONAL_PER_YEAR = 0.20, (1, 9)
NEAR_THRESHOLD_SHARE, NEAR_THRESHOLD_PER_YEAR = 0.20, (12, 14)
REGULAR_PER_YEAR = (35, 95)
SPORT_HOURS = (7, 8, 9, 10, 12, 13, 17, 18, 19, 20)


def insert_history(conn: Connection, rng: Random, months: int) -> int:
    """Insert `months` of activities up to now in the caller's transaction, and return their number."""
    return copy_activities(conn, generate_compatible_history(conn, rng, read_athletes(conn), months)) if months else 0


def generate_compatible_history(
    conn: Connection, rng: Random, athletes: Sequence[Athlete], months: int
) -> Iterator[Activity]:
    """Return `months` of activities up to now that overlap none of the athletes' activities in Postgres."""
    until = db_now(conn)
    busy = read_busy_intervals(conn, athletes, until)
    return generate_history(rng, athletes, next_activity_id(conn), until, months, busy)


def generate_history(
    rng: Random,
    athletes: Sequence[Athlete],
    first_id: int,
    until: datetime,
    months: int,
    busy: Mapping[int, Sequence[BusyInterval]] = MappingProxyType({}),
) -> Iterator[Activity]:
    """Yield the activities of the `months` before `until`, an aware time, in the order of their planned ends.

    Each has the time of its end as created_at. None overlaps another one of its athlete, nor the athlete's `busy`
    intervals (by employee_id): it ended before they started.
    """
    since = until - months * MONTH
    planned = sorted(
        (
            (ended_at, index)
            for index in range(len(athletes))
            for ended_at in _random_end_times(rng, since, until, months)
        ),
    )
    intervals = [list(busy.get(athlete.employee_id, ())) for athlete in athletes]
    for activity_id, (ended_at, index) in enumerate(planned, start=first_id):
        activity = generate_activity(rng, athletes[index], activity_id, ended_at, busy=intervals[index])
        intervals[index].append(activity.interval)
        yield replace(activity, created_at=activity.interval.end)


def _random_end_times(rng: Random, since: datetime, until: datetime, months: int) -> Iterator[datetime]:
    """Yield the end times of one athlete's activities, within SPORT_HOURS in Paris."""
    share = rng.random()
    if share < NEAR_THRESHOLD_SHARE:
        # All in this calendar year, so that the results show these employees close to the threshold.
        new_year = until.astimezone(PARIS).replace(month=1, day=1, hour=6, minute=0, second=0, microsecond=0)
        yield from _random_times(rng, max(since, new_year), until, rng.randint(*NEAR_THRESHOLD_PER_YEAR))
    else:
        per_year = OCCASIONAL_PER_YEAR if share < NEAR_THRESHOLD_SHARE + OCCASIONAL_SHARE else REGULAR_PER_YEAR
        yield from _random_times(rng, since, until, round(rng.randint(*per_year) * months / 12))


def _random_times(rng: Random, since: datetime, until: datetime, count: int) -> Iterator[datetime]:
    for _ in range(count):
        local = (since + (until - since) * rng.random()).astimezone(PARIS)
        ended_at = local.replace(hour=rng.choice(SPORT_HOURS), minute=rng.randrange(60), second=rng.randrange(60))
        yield min(ended_at.astimezone(until.tzinfo), until)
