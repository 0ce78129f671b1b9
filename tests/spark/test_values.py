"""What Debezium writes, as it was seen on the wire, and what the lake makes of it."""

from datetime import date, datetime
from decimal import Decimal
from typing import Any

import pytest
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from lakehouse.cdc.values import as_written, beyond, typed

NOT_OF_THE_TYPE, NO_PLACE = "not of the type", "no place for it"
SEEN = [
    ("date", "-1", date(1969, 12, 31)),
    ("date", "2932896", date(9999, 12, 31)),
    ("date", "-2147472692", date(9999, 12, 31)),
    ("date", "-2147472691", date(1, 1, 1)),
    ("date", "-622191234", date(9999, 12, 31)),
    ("date", "-625821272", date(1, 1, 1)),
    ("date", "-735160", NO_PLACE),
    ("date", "6585322", NO_PLACE),
    ("date", "2026-01-01", NOT_OF_THE_TYPE),
    ("timestamp_ntz", "-14182939876544", datetime.fromisoformat("1969-07-20 20:17:40.123456")),
    ("timestamp_ntz", "9223372036825200000", datetime.fromisoformat("9999-12-31 23:59:59.999999")),
    ("timestamp_ntz", "-9223372036832400000", datetime.fromisoformat("0001-01-01")),
    ("timestamp_ntz", "-63517780800000000", NO_PLACE),
    ("timestamp_ntz", "568971864000000000", NO_PLACE),
    ("timestamp", "1969-07-20T20:17:40.123456Z", datetime.fromisoformat("1969-07-20 20:17:40.123456")),
    ("timestamp", "infinity", datetime.fromisoformat("9999-12-31 23:59:59.999999")),
    ("timestamp", "-infinity", datetime.fromisoformat("0001-01-01")),
    ("timestamp", "-0043-03-15T12:00:00.000000Z", NO_PLACE),
    ("timestamp", "+20000-01-01T12:00:00.000000Z", NO_PLACE),
    ("timestamp", "soon", NOT_OF_THE_TYPE),
    ("decimal(12,2)", "9999999999.99", Decimal("9999999999.99")),
    ("decimal(12,2)", "-0.10", Decimal("-0.10")),
    ("decimal(12,2)", "NAN", NO_PLACE),
    ("decimal(12,2)", "10000000000.00", NOT_OF_THE_TYPE),
    ("decimal(12,2)", "0.005", NOT_OF_THE_TYPE),
    ("int", "2147483648", NOT_OF_THE_TYPE),
    ("int", "1.5", NOT_OF_THE_TYPE),
    ("boolean", "true", True),
    ("string", "", ""),
    ("string", "Éloïse 🏅 é", "Éloïse 🏅 é"),
]


@pytest.mark.parametrize("sql_type", dict.fromkeys(kind for kind, _, _ in SEEN))
def test_a_value_is_read_has_no_place_or_is_of_another_type(spark: SparkSession, sql_type: str) -> None:
    told = {text: read for kind, text, read in SEEN if kind == sql_type}
    texts = spark.createDataFrame([(text,) for text in told], "text string")
    read = F.expr(typed(as_written("text", sql_type), sql_type))
    if sql_type == "timestamp":  # Python has no place for the first day's instants
        read = read.cast("timestamp_ntz")
    rows = texts.select(
        "text", read.alias("read"), F.expr(beyond(as_written("text", sql_type), sql_type)).alias("beyond")
    ).collect()
    assert {row.text: _read(row.read, row.beyond) for row in rows} == told


def _read(value: Any, beyond: bool) -> Any:
    return value if value is not None else NO_PLACE if beyond else NOT_OF_THE_TYPE
