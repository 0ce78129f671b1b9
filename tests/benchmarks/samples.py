"""Statistics of samples: percentiles, rates, and whether a lag grows. Pure functions."""

from collections.abc import Mapping, Sequence
from itertools import pairwise
from math import ceil
from statistics import median
from typing import NamedTuple

MAX_LAG_GROWTH_SECONDS = 1.5  # growth of a steady lag from the middle to the end, in seconds' worth of changes


class Sample(NamedTuple):
    """A row count, or last offset, at a time in seconds."""

    timestamp: float
    rows: int


def percentile(values: Sequence[float], percent: float) -> float:
    """Return the nearest-rank percentile. Raises ValueError where there is no value."""
    if not values:
        raise ValueError("no value, so no percentile")
    return sorted(values)[max(0, ceil(percent / 100 * len(values)) - 1)]


def rate(samples: Sequence[Sample]) -> float:
    """Return the rows added a second between the first and the last increase; 0 where there is only one."""
    increases = [now for before, now in pairwise(samples) if now.rows > before.rows]
    if len(increases) < 2:
        return 0.0
    first, last = increases[0], increases[-1]
    return (last.rows - first.rows) / (last.timestamp - first.timestamp)


def is_steady(lags: Sequence[float], per_second: float) -> bool:
    """Return whether the lag at the end is at most 1.5 s of changes above that in the middle."""
    middle, end = middle_and_end(lags)
    return end <= middle + MAX_LAG_GROWTH_SECONDS * per_second


def middle_and_end(lags: Sequence[float]) -> tuple[float, float]:
    """Return the medians of the middle and the last fifth, because a lag rises and falls with each batch."""
    fifth = max(1, len(lags) // 5)
    return median(lags[2 * fifth : 3 * fifth] or lags), median(lags[-fifth:])


def delays_ms(start_times: Mapping[str, float], end_times: Mapping[str, float]) -> list[float]:
    """Return the milliseconds between start and end, of the names that have both."""
    return [1000 * (end_times[name] - start_times[name]) for name in start_times if name in end_times]


def first_visible_times(offsets: Mapping[str, int], commits: Sequence[Sample]) -> dict[str, float]:
    """Return the time of the first commit that reaches each name's offset; names that none reaches are left out."""
    return {
        name: next(commit.timestamp for commit in commits if commit.rows >= offset)
        for name, offset in offsets.items()
        if any(commit.rows >= offset for commit in commits)
    }
