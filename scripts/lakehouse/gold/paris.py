"""Calendar days in Paris as Spark expressions. Everything else is UTC."""

from datetime import date

from pyspark.sql import Column
from pyspark.sql import functions as F

from lakehouse.spark.literals import lit


def wall_clock(instant: Column) -> Column:
    """Return the Paris wall-clock time of an instant, as a TIMESTAMP that displays it in a UTC session."""
    return F.from_utc_timestamp(instant, "Europe/Paris")


def start_of_day(day: Column) -> Column:
    """Return the instant at which a day begins in Paris.

    Comparing UTC columns with it saves converting every row to Paris time.
    """
    return F.to_utc_timestamp(day, "Europe/Paris")


def end_of_day(day: Column) -> Column:
    """Return the instant at which a day ends in Paris, which is the start of the next one."""
    return start_of_day(F.date_add(day, 1))


def months_before(day: date, months: int) -> Column:
    """Return the same day some months earlier, or that month's last day where it is shorter (29 February)."""
    return F.add_months(lit(day), -months)


def format_paris_time(instant: Column) -> Column:
    """Return an instant as French text in Paris time, to the minute."""
    return F.date_format(wall_clock(instant), "dd/MM/yyyy HH:mm")
