"""Generated activities are plausible, and the same for the same seed."""

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import fields
from datetime import datetime, timedelta, timezone
from itertools import pairwise
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lakehouse.clock import PARIS
from lakehouse.contracts import STRAVA_ACTIVITIES
from lakehouse.simulator.activity_generator import Activity, Athlete, generate_activity, localize_start
from lakehouse.simulator.backfill import generate_history
from lakehouse.simulator.busy_times import BusyInterval, latest_free_end
from lakehouse.simulator.sport_profiles import SPORT_PROFILES

UNTIL = datetime(2026, 11, 21, 3, 0, tzinfo=timezone.utc)
ATHLETES = [Athlete(number, sport) for number, sport in enumerate([*SPORT_PROFILES, "Curling"] * 6, start=1)]


def generate_activities(sport: str, count: int = 200) -> list[Activity]:
    rng = Random(1)
    return [generate_activity(rng, Athlete(7, sport), number, UNTIL) for number in range(count)]


def generate_year(seed: int = 1, months: int = 12) -> list[Activity]:
    return list(generate_history(Random(seed), ATHLETES, 1, UNTIL, months))


def test_generated_activity_fields_are_the_contract_columns() -> None:
    assert [field.name for field in fields(Activity)] == list(STRAVA_ACTIVITIES.columns)


@pytest.mark.parametrize("name", list(SPORT_PROFILES))
def test_generated_activity_stays_within_the_ranges_of_its_sport(name: str) -> None:
    sport = SPORT_PROFILES[name]
    for activity in generate_activities(name):
        assert sport.minutes[0] * 60 <= activity.moving_time_s <= activity.elapsed_time_s
        assert activity.moving_time_s <= sport.minutes[1] * 60
        assert (
            sport.kcal_per_hour[0] - 1
            <= activity.calories * 3600 / activity.moving_time_s
            <= sport.kcal_per_hour[1] + 1
        )
        assert activity.sport_type == sport.strava_type
        if sport.speed:
            assert activity.distance_m is not None
            assert sport.speed[0] - 0.01 <= activity.distance_m / activity.moving_time_s <= sport.speed[1] + 0.01
        else:
            assert (activity.distance_m, activity.total_elev_gain_m) == (None, 0)


def test_generated_payload_agrees_with_its_row() -> None:
    for activity in generate_activities("Randonnée"):
        payload = activity.raw_payload
        assert payload["athlete"]["id"] == activity.employee_id
        assert payload["id"] == activity.activity_id
        assert (payload["distance"], payload["private"]) == (activity.distance_m, activity.private)
        assert datetime.fromisoformat(payload["start_date"].replace("Z", "+00:00")) == activity.start_date_utc


def test_some_activities_have_a_comment_and_most_have_none() -> None:
    comments = Counter(activity.raw_payload["description"] for activity in generate_activities("Randonnée"))
    assert comments["Randonnée de St Guilhem le désert, je vous la conseille c'est top"] > 0
    assert comments[None] > 100


@pytest.mark.parametrize(
    ("utc", "local", "offset"),
    [
        ("2026-01-15T07:30", "2026-01-15T08:30", 3600),
        ("2026-07-15T07:30", "2026-07-15T09:30", 7200),
        ("2026-03-29T00:59", "2026-03-29T01:59", 3600),
        ("2026-03-29T01:00", "2026-03-29T03:00", 7200),
        ("2026-10-25T00:30", "2026-10-25T02:30", 7200),
        ("2026-10-25T01:30", "2026-10-25T02:30", 3600),
        ("2025-12-31T23:30", "2026-01-01T00:30", 3600),
    ],
)
def test_local_start_is_the_paris_wall_clock(utc: str, local: str, offset: int) -> None:
    start = datetime.fromisoformat(utc).replace(tzinfo=timezone.utc)
    assert localize_start(start) == (start, datetime.fromisoformat(local), offset)


def test_synthetic_year_is_created_at_the_activity_end_and_never_in_the_future() -> None:
    activities = generate_year()
    assert 3_000 < len(activities) < 10_000
    assert [activity.activity_id for activity in activities] == list(range(1, len(activities) + 1))
    for activity in activities:
        assert activity.created_at is not None
        assert UNTIL - timedelta(days=367) < activity.created_at <= UNTIL
        ended = activity.start_date_utc + timedelta(seconds=activity.elapsed_time_s)
        assert abs(activity.created_at - ended) < timedelta(seconds=1)


def test_activity_of_a_free_athlete_ends_when_it_was_to_end() -> None:
    rng, end = Random(1), UNTIL - timedelta(days=2)
    alone = generate_activity(rng, ATHLETES[0], 1, end)
    assert alone.interval.end == end
    for busy in ([], [BusyInterval(end, UNTIL)], [BusyInterval(UNTIL - timedelta(days=9), alone.start_date_utc)]):
        assert generate_activity(Random(1), ATHLETES[0], 1, end, busy=busy) == alone


def test_activity_of_a_busy_athlete_ends_when_the_other_one_starts() -> None:
    other = BusyInterval(UNTIL - timedelta(minutes=5), UNTIL - timedelta(minutes=4))
    alone = generate_activity(Random(1), ATHLETES[0], 1, UNTIL)
    moved = generate_activity(Random(1), ATHLETES[0], 1, UNTIL, busy=[other])
    assert moved.interval.end == other.start
    assert (moved.distance_m, moved.elapsed_time_s) == (alone.distance_m, alone.elapsed_time_s)


@given(seed=st.integers(), months=st.integers(1, 14), copies=st.integers(1, 3))
@settings(max_examples=20, deadline=None)
def test_activities_of_one_person_never_overlap_in_histories_on_histories(seed: int, months: int, copies: int) -> None:
    rng, busy = Random(seed), defaultdict[int, list[BusyInterval]](list)
    people = rng.sample(ATHLETES, k=5)
    for _ in range(copies):
        for activity in [*generate_history(rng, people, 1, UNTIL, months, busy)]:
            busy[activity.employee_id].append(activity.interval)
    assert sum(map(len, busy.values())) > 0 or months < 3
    for intervals in busy.values():
        assert overlaps(intervals) == []


@given(seed=st.integers(), count=st.integers(2, 60))
@settings(max_examples=50, deadline=None)
def test_activities_of_one_person_never_overlap_however_many_have_just_ended(seed: int, count: int) -> None:
    rng, busy = Random(seed), list[BusyInterval]()
    for number in range(count):
        ended_at = UNTIL - timedelta(seconds=rng.uniform(0, 600))
        activity = generate_activity(rng, rng.choice(ATHLETES), number, ended_at, public=True, busy=busy)
        assert activity.interval.end <= ended_at
        busy.append(activity.interval)
    assert overlaps(busy) == []


MINUTES = st.integers(-100, 100).map(lambda minutes: UNTIL + timedelta(minutes=minutes))
INTERVALS = st.lists(st.tuples(MINUTES, MINUTES).map(sorted).map(lambda pair: BusyInterval(*pair)), max_size=8)


@given(busy=INTERVALS, duration=st.integers(1, 60).map(lambda minutes: timedelta(minutes=minutes)))
def test_free_end_is_the_latest_one_also_where_busy_times_overlap_each_other(
    busy: list[BusyInterval], duration: timedelta
) -> None:
    def is_free(end: datetime) -> bool:
        return all(end <= interval.start or interval.end <= end - duration for interval in busy)

    end = latest_free_end(busy, UNTIL, duration)
    candidates = (UNTIL - timedelta(minutes=minutes) for minutes in range(500))
    assert end == next(candidate for candidate in candidates if is_free(candidate))


def overlaps(intervals: Iterable[BusyInterval]) -> list[tuple[BusyInterval, BusyInterval]]:
    """Return the intervals, in pairs, of which one starts before an earlier one ends."""
    return [(before, after) for before, after in pairwise(sorted(intervals)) if after.start < before.end]


def test_synthetic_year_has_employees_above_near_and_below_the_threshold() -> None:
    counts = Counter(
        activity.employee_id
        for activity in generate_year()
        if not activity.flagged and activity.start_date_utc.astimezone(PARIS).year == UNTIL.year
    )
    assert sum(count >= 15 for count in counts.values()) > 30
    assert sum(12 <= count <= 14 for count in counts.values()) > 5
    assert sum(count < 12 for count in counts.values()) > 5


def test_synthetic_year_has_some_private_and_some_flagged_activities() -> None:
    activities = generate_year()
    assert 0 < sum(activity.private for activity in activities) < len(activities) / 10
    assert 0 < sum(activity.flagged for activity in activities) < len(activities) / 20


def test_new_public_activities_are_neither_private_nor_flagged() -> None:
    rng = Random(1)
    activities = [generate_activity(rng, ATHLETES[0], number, UNTIL, public=True) for number in range(500)]
    assert not any(activity.private or activity.flagged for activity in activities)


def test_same_seed_gives_the_same_year_and_another_seed_another() -> None:
    assert generate_year(1, 2) == generate_year(1, 2)
    assert generate_year(1, 2) != generate_year(2, 2)
