"""A generated history of activities, in which some employees earn their days, some nearly do and some do not."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from random import Random

from lakehouse.clock import PARIS
from lakehouse.simulator.activity_generator import Activity, Athlete, generate_activity
from lakehouse.simulator.activity_table import copy_activities, next_activity_id, read_athletes
from lakehouse.source.postgres import Connection, db_now

MONTH = timedelta(days=365.25 / 12)
# Shares of the athletes, and their activities a year (minimum, maximum); the others are regular.
OCCASIONAL_SHARE, OCCASIONAL_PER_YEAR = 0.20, (1, 9)
NEAR_THRESHOLD_SHARE, NEAR_THRESHOLD_PER_YEAR = 0.20, (12, 14)
REGULAR_PER_YEAR = (35, 95)
SPORT_HOURS = (7, 8, 9, 10, 12, 13, 17, 18, 19, 20)


def insert_history(conn: Connection, rng: Random, months: int) -> int:
    """Insert `months` of activities up to now in the caller's transaction, and return their number."""
    history = generate_history(rng, read_athletes(conn), next_activity_id(conn), db_now(conn), months)
    return copy_activities(conn, history) if months else 0


def generate_history(
    rng: Random, athletes: Sequence[Athlete], first_id: int, until: datetime, months: int
) -> Iterator[Activity]:
    """Yield the activities of the `months` before `until`, an aware time, in chronological order.

    Each has the time of its end as created_at.
    """
    since = until - months * MONTH
    planned = sorted(
        (
            (ended_at, index)
            for index in range(len(athletes))
            for ended_at in _random_end_times(rng, since, until, months)
        ),
    )
    for activity_id, (ended_at, index) in enumerate(planned, start=first_id):
        yield replace(generate_activity(rng, athletes[index], activity_id, ended_at), created_at=ended_at)


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
