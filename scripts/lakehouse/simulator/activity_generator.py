"""Activities as Strava would send them, plausible for their sport. Pure: randomness comes from the caller's Random."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta, timezone
from random import Random
from typing import Any

from lakehouse.clock import PARIS
from lakehouse.simulator.busy_times import BusyInterval, latest_free_end
from lakehouse.simulator.sport_profiles import FALLBACK_PROFILE, SPORT_PROFILES, SportProfile

PRIVATE_RATE, FLAGGED_RATE, COMMENT_RATE, MANUAL_RATE, COMMUTE_RATE = 0.03, 0.01, 0.15, 0.04, 0.10
COMMUTE_TYPES = {"Run", "Ride", "Walk"}
TIMES_OF_DAY = ((11, "du matin"), (14, "du midi"), (18, "de l'après-midi"), (24, "du soir"))  # before this hour


@dataclass(frozen=True)
class Athlete:
    """An employee who practises a sport, named as sport_activities names it."""

    employee_id: int
    sport: str


@dataclass(frozen=True)
class Activity:
    """A row of strava_activities, in the order of its columns; created_at is None for now()."""

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

    @property
    def interval(self) -> BusyInterval:
        """The time that the activity takes: from its start, the longer of its two durations."""
        longer_s = max(self.moving_time_s, self.elapsed_time_s)
        return BusyInterval(self.start_date_utc, self.start_date_utc + timedelta(seconds=longer_s))


@dataclass(frozen=True)
class Effort:
    """The duration, distance (None in a sport without one), climb and calories of an activity."""

    moving_s: int
    elapsed_s: int
    distance_m: int | None
    climb_m: int
    calories: int


def generate_activity(
    rng: Random,
    athlete: Athlete,
    activity_id: int,
    ended_at: datetime,
    *,
    public: bool = False,
    busy: Iterable[BusyInterval] = (),
) -> Activity:
    """Return an activity of the athlete's sport that ended at `ended_at`, an aware time.

    It ended sooner where it would overlap one of the `busy` intervals of the athlete. Some are private, flagged or have
    a comment; with `public`, none is private or flagged.
    """
    profile = SPORT_PROFILES.get(athlete.sport, FALLBACK_PROFILE)
    effort = generate_effort(rng, profile)
    ended_at = latest_free_end(busy, ended_at, timedelta(seconds=effort.elapsed_s))
    return _to_activity(rng, profile, effort, athlete.employee_id, activity_id, ended_at, public=public)


def generate_effort(rng: Random, profile: SportProfile) -> Effort:
    """Return a random duration, distance, climb and calories within the ranges of the sport's profile."""
    moving_s = rng.randint(profile.minutes[0] * 60, profile.minutes[1] * 60)
    elapsed_s = moving_s + round(moving_s * rng.uniform(0.0, 0.15))
    distance_m = round(moving_s * rng.uniform(*profile.speed)) if profile.speed else None
    climb_m = round((distance_m or 0) / 1000 * rng.uniform(*profile.climb_per_km))
    calories = round(moving_s / 3600 * rng.uniform(*profile.kcal_per_hour))
    return Effort(moving_s, elapsed_s, distance_m, climb_m, calories)


def localize_start(start_utc: datetime) -> tuple[datetime, datetime, int]:
    """Return the start in UTC, the local time in Paris (naive), and the UTC offset of Paris in seconds."""
    start_local = start_utc.astimezone(PARIS)
    offset = start_local.utcoffset() or timedelta()
    return start_utc.astimezone(timezone.utc), start_local.replace(tzinfo=None), int(offset.total_seconds())


def to_strava_payload(activity: Activity, description: str | None) -> dict[str, Any]:
    """Return the activity in the format of Strava's API, with the fields that are used here.

    Format: DetailedActivity, on developers.strava.com.
    """
    return {
        "id": activity.activity_id,
        "resource_state": 3,
        "athlete": {"id": activity.employee_id, "resource_state": 1},
        "name": activity.name,
        "description": description,
        "distance": float(activity.distance_m or 0),
        "moving_time": activity.moving_time_s,
        "elapsed_time": activity.elapsed_time_s,
        "total_elevation_gain": float(activity.total_elev_gain_m),
        "type": activity.type,
        "sport_type": activity.sport_type,
        "start_date": f"{activity.start_date_utc:%Y-%m-%dT%H:%M:%SZ}",
        "start_date_local": f"{activity.start_date_local:%Y-%m-%dT%H:%M:%SZ}",
        "timezone": activity.timezone,
        "utc_offset": float(activity.utc_offset_s),
        "average_speed": round((activity.distance_m or 0) / activity.moving_time_s, 3),
        "calories": float(activity.calories),
        "commute": activity.commute,
        "manual": activity.manual,
        "private": activity.private,
        "flagged": activity.flagged,
    }


def _to_activity(
    rng: Random,
    profile: SportProfile,
    effort: Effort,
    employee_id: int,
    activity_id: int,
    ended_at: datetime,
    *,
    public: bool,
) -> Activity:
    start_utc, start_local, offset_s = localize_start(ended_at - timedelta(seconds=effort.elapsed_s))
    without_payload = Activity(
        activity_id=activity_id,
        employee_id=employee_id,
        name=f"{rng.choice(profile.names)} {_time_of_day(start_local)}",
        distance_m=effort.distance_m,
        moving_time_s=effort.moving_s,
        elapsed_time_s=effort.elapsed_s,
        total_elev_gain_m=effort.climb_m,
        type=profile.strava_type,
        sport_type=profile.strava_type,
        start_date_utc=start_utc,
        start_date_local=start_local,
        timezone="(GMT+01:00) Europe/Paris",
        utc_offset_s=offset_s,
        commute=profile.strava_type in COMMUTE_TYPES and rng.random() < COMMUTE_RATE,
        manual=rng.random() < MANUAL_RATE,
        private=rng.random() < PRIVATE_RATE and not public,
        flagged=rng.random() < FLAGGED_RATE and not public,
        calories=effort.calories,
        raw_payload={},
    )
    comment = rng.choice(profile.comments) if rng.random() < COMMENT_RATE else None
    return replace(without_payload, raw_payload=to_strava_payload(without_payload, comment))


def _time_of_day(start_local: datetime) -> str:
    return next(words for before_hour, words in TIMES_OF_DAY if start_local.hour < before_hour)
