"""Generated activities could have been done."""

from collections import Counter
from dataclasses import fields
from datetime import datetime, timedelta, timezone
from random import Random

import pytest

from lakehouse.clock import PARIS
from lakehouse.contracts import STRAVA_ACTIVITIES
from lakehouse.simulator.activity_generator import Activity, Athlete, generate_activity, localize_start
from lakehouse.simulator.backfill import generate_history
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
    for done in generate_activities(name):
        assert sport.minutes[0] * 60 <= done.moving_time_s <= done.elapsed_time_s
        assert done.moving_time_s <= sport.minutes[1] * 60
        assert sport.kcal_per_hour[0] - 1 <= done.calories * 3600 / done.moving_time_s <= sport.kcal_per_hour[1] + 1
        assert done.sport_type == sport.strava_type
        if sport.speed:
            assert done.distance_m is not None
            assert sport.speed[0] - 0.01 <= done.distance_m / done.moving_time_s <= sport.speed[1] + 0.01
        else:
            assert (done.distance_m, done.total_elev_gain_m) == (None, 0)


def test_generated_payload_agrees_with_its_row() -> None:
    for done in generate_activities("Randonnée"):
        payload = done.raw_payload
        assert payload["athlete"]["id"] == done.employee_id
        assert payload["id"] == done.activity_id
        assert (payload["distance"], payload["private"]) == (done.distance_m, done.private)
        assert datetime.fromisoformat(payload["start_date"].replace("Z", "+00:00")) == done.start_date_utc


def test_some_activities_have_a_comment_and_most_have_none() -> None:
    comments = Counter(done.raw_payload["description"] for done in generate_activities("Randonnée"))
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
    done = generate_year()
    assert 3_000 < len(done) < 10_000
    assert [each.activity_id for each in done] == list(range(1, len(done) + 1))
    for each in done:
        assert each.created_at is not None
        assert UNTIL - timedelta(days=367) < each.created_at <= UNTIL
        ended = each.start_date_utc + timedelta(seconds=each.elapsed_time_s)
        assert abs(each.created_at - ended) < timedelta(seconds=1)


def test_synthetic_year_has_employees_above_near_and_below_the_threshold() -> None:
    counts = Counter(
        done.employee_id
        for done in generate_year()
        if not done.flagged and done.start_date_utc.astimezone(PARIS).year == UNTIL.year
    )
    assert sum(count >= 15 for count in counts.values()) > 30
    assert sum(12 <= count <= 14 for count in counts.values()) > 5
    assert sum(count < 12 for count in counts.values()) > 5


def test_synthetic_year_has_some_private_and_some_flagged_activities() -> None:
    done = generate_year()
    assert 0 < sum(each.private for each in done) < len(done) / 10
    assert 0 < sum(each.flagged for each in done) < len(done) / 20


def test_new_public_activities_are_neither_private_nor_flagged() -> None:
    rng = Random(1)
    done = [generate_activity(rng, ATHLETES[0], number, UNTIL, public=True) for number in range(500)]
    assert not any(each.private or each.flagged for each in done)


def test_same_seed_gives_the_same_year_and_another_seed_another() -> None:
    assert generate_year(1, 2) == generate_year(1, 2)
    assert generate_year(1, 2) != generate_year(2, 2)
