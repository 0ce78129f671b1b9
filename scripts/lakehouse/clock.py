"""The clock of calendar days and times: today's date is that in Paris, whatever the machine's time zone."""

from collections.abc import Callable
from datetime import date, datetime, timezone
from zoneinfo import ZoneInfo

PARIS = ZoneInfo("Europe/Paris")
Clock = Callable[[], datetime]  # returns an aware time


def utc_now() -> datetime:
    """Return the present time by the machine's clock."""
    return datetime.now(timezone.utc)


def today(clock: Clock = utc_now) -> date:
    """Return today's date in Paris."""
    return clock().astimezone(PARIS).date()
