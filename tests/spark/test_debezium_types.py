"""Values as Debezium sends them on the wire, and the values that the lake reads from them."""

from datetime import date, datetime
from decimal import Decimal
from typing import Any

import pytest
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from lakehouse.cdc.merge.debezium_types import cast_to_wire_type, from_wire, is_out_of_range

TYPE_MISMATCH_MARK, OUT_OF_RANGE_MARK = "not of the type", "no place for it"
WIRE_VALUES = [
    ("date", "-1", date(1969, 12, 31)),
    ("date", "2932896", date(9999, 12, 31)),
    ("date", "-2147472692", date(9999, 12, 31)),
    ("date", "-2147472691", date(1, 1, 1)),
    ("date", "-622191234", date(9999, 12, 31)),
    ("date", "-625821272", date(1, 1, 1)),
    ("date", "-735160", OUT_OF_RANGE_MARK),
    ("date", "6585322", OUT_OF_RANGE_MARK),
    ("date", "2026-01-01", TYPE_MISMATCH_MARK),
    ("timestamp_ntz", "-14182939876544", datetime.fromisoformat("1969-07-20 20:17:40.123456")),
    ("timestamp_ntz", "9223372036825200000", datetime.fromisoformat("9999-12-31 23:59:59.999999")),
    ("timestamp_ntz", "-9223372036832400000", datetime.fromisoformat("0001-01-01")),
    ("timestamp_ntz", "-63517780800000000", OUT_OF_RANGE_MARK),
    ("timestamp_ntz", "568971864000000000", OUT_OF_RANGE_MARK),
    ("timestamp", "1969-07-20T20:17:40.123456Z", datetime.fromisoformat("1969-07-20 20:17:40.123456")),
    ("timestamp", "infinity", datetime.fromisoformat("9999-12-31 23:59:59.999999")),
    ("timestamp", "-infinity", datetime.fromisoformat("0001-01-01")),
    ("timestamp", "-0043-03-15T12:00:00.000000Z", OUT_OF_RANGE_MARK),
    ("timestamp", "+20000-01-01T12:00:00.000000Z", OUT_OF_RANGE_MARK),
    ("timestamp", "soon", TYPE_MISMATCH_MARK),
    ("decimal(12,2)", "9999999999.99", Decimal("9999999999.99")),
    ("decimal(12,2)", "-0.10", Decimal("-0.10")),
    ("decimal(12,2)", "NAN", OUT_OF_RANGE_MARK),
    ("decimal(12,2)", "10000000000.00", TYPE_MISMATCH_MARK),
    ("decimal(12,2)", "0.005", TYPE_MISMATCH_MARK),
    ("int", "2147483648", TYPE_MISMATCH_MARK),
    ("int", "1.5", TYPE_MISMATCH_MARK),
    ("boolean", "true", True),
    ("string", "", ""),
    ("string", "Éloïse 🏅 é", "Éloïse 🏅 é"),
]


@pytest.mark.parametrize("sql_type", dict.fromkeys(kind for kind, _, _ in WIRE_VALUES))
def test_wire_value_is_parsed_or_out_of_range_or_a_type_mismatch(spark: SparkSession, sql_type: str) -> None:
    expected = {text: read for kind, text, read in WIRE_VALUES if kind == sql_type}
    texts = spark.createDataFrame([(text,) for text in expected], "text string")
    read = F.expr(from_wire(cast_to_wire_type("text", sql_type), sql_type))
    if sql_type == "timestamp":  # Python's datetime cannot hold the first day's instants
        read = read.cast("timestamp_ntz")
    rows = texts.select(
        "text",
        read.alias("read"),
        F.expr(is_out_of_range(cast_to_wire_type("text", sql_type), sql_type)).alias("out_of_range"),
    ).collect()
    assert {row.text: _outcome(row.read, row.out_of_range) for row in rows} == expected


def _outcome(value: Any, out_of_range: bool) -> Any:
    return value if value is not None else OUT_OF_RANGE_MARK if out_of_range else TYPE_MISMATCH_MARK
