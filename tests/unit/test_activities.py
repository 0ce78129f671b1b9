"""Generated activities could have been done."""

from collections import Counter
from dataclasses import fields
from datetime import datetime, timedelta, timezone
from random import Random

import pytest

from lakehouse.clock import PARIS
from lakehouse.contracts import STRAVA_ACTIVITIES
from lakehouse.source.activities import Activity, Athlete, activity, placed
from lakehouse.source.history import history
from lakehouse.source.sports import SPORTS

UNTIL = datetime(2026, 11, 21, 3, 0, tzinfo=timezone.utc)
ATHLETES = [Athlete(number, sport) for number, sport in enumerate([*SPORTS, "Curling"] * 6, start=1)]


def outings(sport: str, count: int = 200) -> list[Activity]:
    rng = Random(1)
    return [activity(rng, Athlete(7, sport), number, UNTIL) for number in range(count)]


def year(seed: int = 1, months: int = 12) -> list[Activity]:
    return list(history(Random(seed), ATHLETES, 1, UNTIL, months))


def test_the_columns_are_the_tables() -> None:
    assert [field.name for field in fields(Activity)] == list(STRAVA_ACTIVITIES.columns)


@pytest.mark.parametrize("name", list(SPORTS))
def test_an_outing_keeps_within_its_sport(name: str) -> None:
    sport = SPORTS[name]
    for done in outings(name):
        assert sport.minutes[0] * 60 <= done.moving_time_s <= done.elapsed_time_s
        assert done.moving_time_s <= sport.minutes[1] * 60
        assert sport.kcal_per_hour[0] - 1 <= done.calories * 3600 / done.moving_time_s <= sport.kcal_per_hour[1] + 1
        assert done.sport_type == sport.strava
        if sport.speed:
            assert done.distance_m is not None
            assert sport.speed[0] - 0.01 <= done.distance_m / done.moving_time_s <= sport.speed[1] + 0.01
        else:
            assert (done.distance_m, done.total_elev_gain_m) == (None, 0)


def test_the_payload_says_what_the_row_says() -> None:
    for done in outings("Randonnée"):
        said = done.raw_payload
        assert said["athlete"]["id"] == done.employee_id
        assert said["id"] == done.activity_id
        assert (said["distance"], said["private"]) == (done.distance_m, done.private)
        assert datetime.fromisoformat(said["start_date"].replace("Z", "+00:00")) == done.start_date_utc


def test_some_activities_have_a_comment_and_most_have_none() -> None:
    comments = Counter(done.raw_payload["description"] for done in outings("Randonnée"))
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
def test_the_wall_clock_is_that_of_paris(utc: str, local: str, offset: int) -> None:
    start = datetime.fromisoformat(utc).replace(tzinfo=timezone.utc)
    assert placed(start) == (start, datetime.fromisoformat(local), offset)


def test_a_year_is_several_thousand_created_when_they_ended_and_none_later_than_now() -> None:
    done = year()
    assert 3_000 < len(done) < 10_000
    assert [each.activity_id for each in done] == list(range(1, len(done) + 1))
    for each in done:
        assert each.created_at is not None
        assert UNTIL - timedelta(days=367) < each.created_at <= UNTIL
        ended = each.start_date_utc + timedelta(seconds=each.elapsed_time_s)
        assert abs(each.created_at - ended) < timedelta(seconds=1)


def test_in_a_year_some_earn_their_days_some_nearly_and_some_do_not() -> None:
    counts = Counter(
        done.employee_id
        for done in year()
        if not done.flagged and done.start_date_utc.astimezone(PARIS).year == UNTIL.year
    )
    assert sum(count >= 15 for count in counts.values()) > 30
    assert sum(12 <= count <= 14 for count in counts.values()) > 5
    assert sum(count < 12 for count in counts.values()) > 5


def test_in_a_year_some_are_private_and_some_flagged() -> None:
    done = year()
    assert 0 < sum(each.private for each in done) < len(done) / 10
    assert 0 < sum(each.flagged for each in done) < len(done) / 20


def test_new_activities_are_meant_to_be_seen() -> None:
    rng = Random(1)
    done = [activity(rng, ATHLETES[0], number, UNTIL, shared=True) for number in range(500)]
    assert not any(each.private or each.flagged for each in done)


def test_a_seed_makes_the_same_year_again_and_another_another() -> None:
    assert year(1, 2) == year(1, 2)
    assert year(1, 2) != year(2, 2)
