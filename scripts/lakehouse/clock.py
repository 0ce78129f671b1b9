"""Today's date in Paris, whatever the machine's time zone."""

from datetime import date, datetime
from zoneinfo import ZoneInfo

PARIS = ZoneInfo("Europe/Paris")


def today() -> date:
    """Return today's date in Paris."""
    return datetime.now(PARIS).date()
