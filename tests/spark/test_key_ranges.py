"""Whether a table may have keys of a range is answered from its files' statistics, for keys of every type."""

from dataclasses import replace
from pathlib import Path

import pytest
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from lakehouse.cdc import schemas, table_stats
from lakehouse.cdc.lake import Lake
from lakehouse.cdc.table_store import TableStore
from lakehouse.spark.literals import lit
from spark.messages import SHOES

# Per type: two keys of the table, and keys before, between and after them, as texts.
KEYS_BY_TYPE = {
    "int": ("10", "30", "5", "20", "40"),
    "bigint": ("10", "30000000000", "-5", "20", "40000000000"),
    "string": ("b" * 40 + "1", "d" * 40 + "9", "a", "c", "d" * 40 + "z"),
    "date": ("2026-02-01", "2026-04-01", "2026-01-01", "2026-03-01", "2026-05-01"),
    "timestamp": ("2026-02-01 10:00:00.5", "2026-04-01", "2026-01-01", "2026-03-01", "2026-05-01"),
    "timestamp_ntz": ("2026-02-01 10:00:00.5", "2026-04-01", "2026-01-01", "2026-03-01", "2026-05-01"),
    "decimal(20,2)": ("10.25", "123456789012345678.75", "10.24", "11", "123456789012345678.99"),
    "boolean": ("true", "true", "false", "true", "true"),
}

# Types without statistics, with instants that have no zone here and one there, or with the first 32 characters alone.
UNKNOWN_BEFORE = {"boolean", "timestamp"}
UNKNOWN_AFTER = {"boolean", "timestamp", "string"}


@pytest.mark.parametrize("sql_type", KEYS_BY_TYPE)
def test_range_of_keys_is_compared_whatever_their_type(spark: SparkSession, tmp_path: Path, sql_type: str) -> None:
    contract = replace(SHOES, columns={**SHOES.columns, "id": sql_type})
    lake = Lake(spark, TableStore(str(tmp_path)))
    lake.store.create_silver(contract)
    low, high, before, between, after = KEYS_BY_TYPE[sql_type]
    ids = spark.range(2).select(F.when(F.col("id") == 0, low).otherwise(high).cast(sql_type).alias("id"))
    rows = lake.empty_frame(schemas.silver(contract)).unionByName(ids, allowMissingColumns=True)
    lake.append(rows.coalesce(1), "silver", contract.table)

    def may_contain(first: str, last: str) -> bool:
        bounds = spark.range(1).select(lit(first).cast(sql_type), lit(last).cast(sql_type)).first()
        assert bounds is not None
        return table_stats.may_contain_key_range(lake.store, contract, *bounds)

    assert may_contain(before, low)
    assert may_contain(between, between)
    assert may_contain(high, after)
    assert may_contain(before, before) == (sql_type in UNKNOWN_BEFORE)
    assert may_contain(after, after) == (sql_type in UNKNOWN_AFTER)
