"""Invalid activities, one mistake each, to exercise the quarantine."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import timedelta
from random import Random

from lakehouse.simulator.activity_generator import Activity, localize_start

Corruption = Callable[[Random, Activity], Activity]


def _negative_distance(rng: Random, valid: Activity) -> Activity:
    return replace(valid, distance_m=-rng.randint(1, 20_000))


def _ends_before_start(rng: Random, valid: Activity) -> Activity:
    return replace(valid, elapsed_time_s=-rng.randint(60, 3_600))


def _in_the_future(rng: Random, valid: Activity) -> Activity:
    start_utc, start_local, offset_s = localize_start(valid.start_date_utc + timedelta(days=rng.randint(2, 400)))
    return replace(valid, start_date_utc=start_utc, start_date_local=start_local, utc_offset_s=offset_s)


def _impossible_speed(rng: Random, valid: Activity) -> Activity:
    return replace(valid, distance_m=valid.elapsed_time_s * rng.randint(30, 90))


def _payload_of_another(rng: Random, valid: Activity) -> Activity:
    athlete = {"id": valid.employee_id + rng.randint(1, 1_000), "resource_state": 1}
    return replace(valid, raw_payload=valid.raw_payload | {"athlete": athlete})


# Keyed by the rule of the contract that rejects each.
CORRUPTIONS: Mapping[str, Corruption] = {
    "distance_negative": _negative_distance,
    "ends_before_start": _ends_before_start,
    "in_the_future": _in_the_future,
    "speed_impossible": _impossible_speed,
    "payload_of_another": _payload_of_another,
}


def corrupt(rng: Random, valid: Activity) -> Activity:
    """Return a copy of the activity with one of the five mistakes, chosen at random."""
    return CORRUPTIONS[rng.choice(sorted(CORRUPTIONS))](rng, valid)
