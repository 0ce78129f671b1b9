"""A table whose contract gained a column is rebuilt from Bronze, with the column filled for all rows."""

from dataclasses import replace
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from lakehouse.cdc import table_stats
from lakehouse.cdc.merge.silver import catch_up, reset_table
from spark.hooked_lake import failing_before
from spark.messages import SHOES, update
from spark.sample_lake import SampleLake

SHOES_WITH_COLOUR = replace(SHOES, columns={**SHOES.columns, "colour": "string"})


def test_column_added_to_the_contract_is_backfilled_for_all_rows(
    spark: SparkSession, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    sample_lake = SampleLake(spark, tmp_path)
    value_with_colour = (
        '{"op": "u", "after": {"id": 1, "size": 41, "note": "secret", "price": "1.00", "colour": "red"}}'
    )
    sample_lake.merge(
        update(1, raw=value_with_colour), update(2, 42, raw=value_with_colour.replace('"id": 1', '"id": 2'))
    )
    catch_up(sample_lake.lake, SHOES_WITH_COLOUR, table_stats.bronze_offsets(sample_lake.store, SHOES))
    assert {row.id: row.colour for row in sample_lake.lake.silver(SHOES).collect()} == {1: "red", 2: "red"}
    assert "secret" not in capfd.readouterr().err


@pytest.mark.long
@pytest.mark.parametrize("table", ["silver/quarantine", "silver/shoes", "silver/shoes_versions"])
def test_reset_of_silver_killed_midway_is_completed_by_the_next_run(
    spark: SparkSession, tmp_path: Path, table: str
) -> None:
    sample_lake = SampleLake(spark, tmp_path)
    sample_lake.merge(update(1, 41), update(2, -2))
    reset_table(sample_lake.lake, SHOES)
    with pytest.raises(KeyboardInterrupt):
        sample_lake.merge(lake=failing_before(sample_lake.lake, table))
    sample_lake.merge()
    assert sample_lake.silver_sizes() == {1: 41}
    assert len(sample_lake.quarantine_entries()) == 1
    assert sample_lake.lake.versions(SHOES).count() == 2
