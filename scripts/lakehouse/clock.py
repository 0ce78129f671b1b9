"""Which day it is: days are Paris's, whatever this machine's time zone is."""

from datetime import date, datetime
from zoneinfo import ZoneInfo

PARIS = ZoneInfo("Europe/Paris")


def today() -> date:
    """Give the day that it is in Paris."""
    return datetime.now(PARIS).date()
