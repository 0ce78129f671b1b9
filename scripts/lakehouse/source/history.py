"""Months of activities that were there before the system: some employees earn their days, some nearly, some don't."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from random import Random

from lakehouse.clock import PARIS
from lakehouse.source.activities import Activity, Athlete, activity

MONTH = timedelta(days=365.25 / 12)
# Shares of the athletes, and how many activities a year they do; the rest are regular.
SELDOM, SELDOM_YEARLY = 0.20, (1, 9)
NEARLY, NEARLY_YEARLY = 0.20, (12, 14)
REGULAR_YEARLY = (35, 95)
HOURS = (7, 8, 9, 10, 12, 13, 17, 18, 19, 20)


def history(
    rng: Random, athletes: Sequence[Athlete], first_id: int, until: datetime, months: int
) -> Iterator[Activity]:
    """Give the months before `until` (an aware time) in the order of time, each activity created when it ended."""
    since = until - months * MONTH
    planned = sorted(
        ((ended, index) for index, athlete in enumerate(athletes) for ended in _endings(rng, since, until, months)),
    )
    for activity_id, (ended, index) in enumerate(planned, start=first_id):
        yield replace(activity(rng, athletes[index], activity_id, ended), created_at=ended)


def _endings(rng: Random, since: datetime, until: datetime, months: int) -> Iterator[datetime]:
    """Give when an athlete's activities ended: at an hour when people do sports, in Paris."""
    share = rng.random()
    if share < NEARLY:
        # All in this calendar year, so that they are seen to be close to their days.
        new_year = until.astimezone(PARIS).replace(month=1, day=1, hour=6, minute=0, second=0, microsecond=0)
        yield from _spread(rng, max(since, new_year), until, rng.randint(*NEARLY_YEARLY))
    else:
        yearly = SELDOM_YEARLY if share < NEARLY + SELDOM else REGULAR_YEARLY
        yield from _spread(rng, since, until, round(rng.randint(*yearly) * months / 12))


def _spread(rng: Random, since: datetime, until: datetime, count: int) -> Iterator[datetime]:
    for _ in range(count):
        local = (since + (until - since) * rng.random()).astimezone(PARIS)
        ended = local.replace(hour=rng.choice(HOURS), minute=rng.randrange(60), second=rng.randrange(60))
        yield min(ended.astimezone(until.tzinfo), until)
