"""Python values as literals of Spark."""

from datetime import date, datetime, timezone
from typing import Any

from pyspark.sql import Column
from pyspark.sql import functions as F


def lit(value: Any, sql_type: str = "") -> Column:
    """Return a Python value as a literal. A date and a time are passed as ISO text, in SQL.

    pyspark itself passes them to java.sql.Date.valueOf, which raises an error for years before 1000.
    A datetime without a zone is local time, as pyspark collects it, unless `sql_type` is timestamp_ntz.
    """
    match value:
        case datetime() if sql_type == "timestamp_ntz":
            return F.expr(f"TIMESTAMP_NTZ '{value.isoformat()}'")
        case datetime():
            return F.expr(f"TIMESTAMP '{value.astimezone(timezone.utc).isoformat()}'")
        case date():
            return F.expr(f"DATE '{value.isoformat()}'")
        case _:
            return F.lit(value)  # noqa: TID251 - the one place that may
