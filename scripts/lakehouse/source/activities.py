"""Activities as Strava would send them, plausible for their sport. Pure: all chance comes from the caller's Random."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta, timezone
from random import Random
from typing import Any

from lakehouse.clock import PARIS
from lakehouse.source.sports import OTHER, SPORTS, Sport

PRIVATE, FLAGGED, COMMENTED, MANUAL, COMMUTE = 0.03, 0.01, 0.15, 0.04, 0.10
COMMUTABLE = {"Run", "Ride", "Walk"}
MOMENTS = ((11, "du matin"), (14, "du midi"), (18, "de l'après-midi"), (24, "du soir"))  # until which hour


@dataclass(frozen=True)
class Athlete:
    """An employee who practises a sport, named as sport_activities names it."""

    employee_id: int
    sport: str


@dataclass(frozen=True)
class Activity:
    """A row of strava_activities, in its columns' order; created_at is None for now()."""

    activity_id: int
    employee_id: int
    name: str
    distance_m: int | None
    moving_time_s: int
    elapsed_time_s: int
    total_elev_gain_m: int
    type: str
    sport_type: str
    start_date_utc: datetime
    start_date_local: datetime
    timezone: str
    utc_offset_s: int
    commute: bool
    manual: bool
    private: bool
    flagged: bool
    calories: int
    raw_payload: dict[str, Any]
    created_at: datetime | None = None


@dataclass(frozen=True)
class Effort:
    """How long, how far (None in a sport without a distance), how high."""

    moving_s: int
    elapsed_s: int
    distance_m: int | None
    climb_m: int
    calories: int


def activity(rng: Random, athlete: Athlete, activity_id: int, ended: datetime, *, shared: bool = False) -> Activity:
    """Give an activity of the athlete's sport that ended then (an aware time).

    Now and then it is private, flagged, commented; never private nor flagged when `shared`.
    """
    sport = SPORTS.get(athlete.sport, OTHER)
    done = effort(rng, sport)
    return _recorded(rng, sport, done, athlete.employee_id, activity_id, ended, shared=shared)


def effort(rng: Random, sport: Sport) -> Effort:
    """Give an outing that the sport's ranges allow."""
    moving_s = rng.randint(sport.minutes[0] * 60, sport.minutes[1] * 60)
    elapsed_s = moving_s + round(moving_s * rng.uniform(0.0, 0.15))
    distance_m = round(moving_s * rng.uniform(*sport.speed)) if sport.speed else None
    climb_m = round((distance_m or 0) / 1000 * rng.uniform(*sport.climb_per_km))
    calories = round(moving_s / 3600 * rng.uniform(*sport.kcal_per_hour))
    return Effort(moving_s, elapsed_s, distance_m, climb_m, calories)


def placed(start_utc: datetime) -> tuple[datetime, datetime, int]:
    """Give a start as UTC, as the wall clock in Paris (naive), and Paris's offset in seconds then."""
    local = start_utc.astimezone(PARIS)
    offset = local.utcoffset() or timedelta()
    return start_utc.astimezone(timezone.utc), local.replace(tzinfo=None), int(offset.total_seconds())


def payload(done: Activity, description: str | None) -> dict[str, Any]:
    """Give what Strava's API says of the activity (developers.strava.com, DetailedActivity), as far as we use it."""
    return {
        "id": done.activity_id,
        "resource_state": 3,
        "athlete": {"id": done.employee_id, "resource_state": 1},
        "name": done.name,
        "description": description,
        "distance": float(done.distance_m or 0),
        "moving_time": done.moving_time_s,
        "elapsed_time": done.elapsed_time_s,
        "total_elevation_gain": float(done.total_elev_gain_m),
        "type": done.type,
        "sport_type": done.sport_type,
        "start_date": f"{done.start_date_utc:%Y-%m-%dT%H:%M:%SZ}",
        "start_date_local": f"{done.start_date_local:%Y-%m-%dT%H:%M:%SZ}",
        "timezone": done.timezone,
        "utc_offset": float(done.utc_offset_s),
        "average_speed": round((done.distance_m or 0) / done.moving_time_s, 3),
        "calories": float(done.calories),
        "commute": done.commute,
        "manual": done.manual,
        "private": done.private,
        "flagged": done.flagged,
    }


def _recorded(
    rng: Random, sport: Sport, done: Effort, employee_id: int, activity_id: int, ended: datetime, *, shared: bool
) -> Activity:
    start_utc, start_local, offset_s = placed(ended.replace(microsecond=0) - timedelta(seconds=done.elapsed_s))
    recorded = Activity(
        activity_id=activity_id,
        employee_id=employee_id,
        name=f"{rng.choice(sport.names)} {_moment(start_local)}",
        distance_m=done.distance_m,
        moving_time_s=done.moving_s,
        elapsed_time_s=done.elapsed_s,
        total_elev_gain_m=done.climb_m,
        type=sport.strava,
        sport_type=sport.strava,
        start_date_utc=start_utc,
        start_date_local=start_local,
        timezone="(GMT+01:00) Europe/Paris",
        utc_offset_s=offset_s,
        commute=sport.strava in COMMUTABLE and rng.random() < COMMUTE,
        manual=rng.random() < MANUAL,
        private=rng.random() < PRIVATE and not shared,
        flagged=rng.random() < FLAGGED and not shared,
        calories=done.calories,
        raw_payload={},
    )
    comment = rng.choice(sport.comments) if rng.random() < COMMENTED else None
    return replace(recorded, raw_payload=payload(recorded, comment))


def _moment(start_local: datetime) -> str:
    return next(moment for until, moment in MOMENTS if start_local.hour < until)
