"""Today's date is that in Paris, in winter and in summer, whatever the machine's time zone."""

from datetime import date, datetime

import pytest

from lakehouse.clock import today


@pytest.mark.parametrize(
    ("now", "day"),
    [
        ("2026-12-31T22:59:59+00:00", date(2026, 12, 31)),
        ("2026-12-31T23:00:00+00:00", date(2027, 1, 1)),
        ("2026-06-30T21:59:59+00:00", date(2026, 6, 30)),
        ("2026-06-30T22:00:00+00:00", date(2026, 7, 1)),
        ("2027-01-01T08:00:00+09:00", date(2027, 1, 1)),
    ],
)
def test_day_changes_at_midnight_in_paris(now: str, day: date) -> None:
    shown = today(lambda: datetime.fromisoformat(now))
    assert shown == day
