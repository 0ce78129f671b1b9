"""The times at which an athlete is busy with an activity, and the free ones between them. Pure."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import NamedTuple


class BusyInterval(NamedTuple):
    """The time from `start` to `end`, both aware. The next activity may start at its end."""

    start: datetime
    end: datetime


def latest_free_end(busy: Iterable[BusyInterval], ended_at: datetime, duration: timedelta) -> datetime:
    """Return the latest end, in whole seconds and at most `ended_at`, of a `duration` that overlaps no busy interval.

    The busy intervals may be in any order, and may overlap each other.
    """
    end = ended_at.replace(microsecond=0)
    # From the last end backwards: an interval that was passed starts at or after the end, however far that moves back.
    for interval in sorted(busy, key=lambda interval: interval.end, reverse=True):
        if interval.end <= end - duration:
            break
        if interval.start < end:
            end = interval.start.replace(microsecond=0)
    return end
