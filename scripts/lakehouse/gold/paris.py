"""Days, months and years as they are in Paris. Everything else is UTC."""

from datetime import date

from pyspark.sql import Column
from pyspark.sql import functions as F


def wall_clock(instant: Column) -> Column:
    """Give what a clock in Paris shows at an instant, as a TIMESTAMP that reads so in a session in UTC."""
    return F.from_utc_timestamp(instant, "Europe/Paris")


def start_of_day(day: Column) -> Column:
    """Give the instant at which a day begins in Paris.

    What is compared with it need not be told in Paris's time, row by row.
    """
    return F.to_utc_timestamp(day, "Europe/Paris")


def end_of_day(day: Column) -> Column:
    """Give the instant at which a day is over in Paris: the next one begins."""
    return start_of_day(F.date_add(day, 1))


def months_before(day: date, months: int) -> Column:
    """Give the same day some months before, the month's last where it has no such day (29 February)."""
    return F.add_months(F.lit(day), -months)
