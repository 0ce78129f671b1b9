"""What samples say: percentiles, rates, whether a lag grows. Pure."""

from collections.abc import Mapping, Sequence
from itertools import pairwise
from math import ceil
from statistics import median
from typing import NamedTuple

MAX_LAG_GROWTH_SECONDS = 1.5  # seconds' worth of changes that a steady lag may rise by, from the middle to the end


class Sample(NamedTuple):
    """How many rows there were, or the last offset, at a moment in seconds."""

    timestamp: float
    rows: int


def percentile(values: Sequence[float], percent: float) -> float:
    """Give the smallest value that so many of them, in percent, do not exceed."""
    if not values:
        raise ValueError("no value, so no percentile")
    return sorted(values)[max(0, ceil(percent / 100 * len(values)) - 1)]


def rate(samples: Sequence[Sample]) -> float:
    """Give what was added a second from the first time that the count moved to the last; 0 where it moved once."""
    increases = [now for before, now in pairwise(samples) if now.rows > before.rows]
    if len(increases) < 2:
        return 0.0
    first, last = increases[0], increases[-1]
    return (last.rows - first.rows) / (last.timestamp - first.timestamp)


def is_steady(lags: Sequence[float], per_second: float) -> bool:
    """Say whether the lag stayed about what it was in the middle of the time."""
    middle, end = middle_and_end(lags)
    return end <= middle + MAX_LAG_GROWTH_SECONDS * per_second


def middle_and_end(lags: Sequence[float]) -> tuple[float, float]:
    """Give the median of the middle fifth and of the last one: a lag goes up and down with each batch."""
    fifth = max(1, len(lags) // 5)
    return median(lags[2 * fifth : 3 * fifth] or lags), median(lags[-fifth:])


def delays_ms(start_times: Mapping[str, float], end_times: Mapping[str, float]) -> list[float]:
    """Give how long each took that has ended, in milliseconds."""
    return [1000 * (end_times[one] - start_times[one]) for one in start_times if one in end_times]


def first_visible_times(offsets: Mapping[str, int], commits: Sequence[Sample]) -> dict[str, float]:
    """Give when each could be read first: at the first commit of a table that reaches its offset."""
    return {
        one: next(commit.timestamp for commit in commits if commit.rows >= offset)
        for one, offset in offsets.items()
        if any(commit.rows >= offset for commit in commits)
    }
