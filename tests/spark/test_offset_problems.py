"""Law 1: a gap or a duplicate stops the figures that read its table, and no other; a duplicate is removed."""

from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from chaos.offset_checker import CheckedTable, bronze_table, versions_table
from chaos.planted_offsets import PlantedFault, plant
from lakehouse.cdc import commit_log, table_stats
from lakehouse.cdc.duplicates import remove_duplicates
from lakehouse.cdc.fence import LeasedStamps, WriterLease, fence_table
from lakehouse.cdc.lake import Lake
from lakehouse.cdc.merge.silver import catch_up, reset_table
from lakehouse.cdc.offset_check import bronze_irregularities, find_offset_problems, implied_rows, prove_offsets
from lakehouse.cdc.offsets import Gap, TopicPartition
from lakehouse.cdc.table_store import TableStore
from lakehouse.contracts import DISTANCE_CACHE
from lakehouse.errors import CaptureMismatch
from lakehouse.gold.models import MODELS
from lakehouse.refresh.refresh import refresh
from lakehouse.refresh.table_setup import create_tables
from spark.builders import NO_OFFSETS, employees, reward_rules
from spark.lake_copies import copy_lake
from spark.messages import SHOES, Change, delete, insert, to_bronze_frame, update
from spark.sample_lake import SampleLake

DAY = date(2026, 6, 1)
PARTITION_0 = TopicPartition(0, 0)
MISSING_ROW, DOUBLED_ROW = PlantedFault(PARTITION_0, missing=2), PlantedFault(PARTITION_0, doubled=3)
BOTH_IN_ONE_FILE = PlantedFault(PARTITION_0, missing=2, doubled=3)


def undecodable(count: int) -> list[Change]:
    return [replace(insert(n), raw="?") for n in range(count)]


@pytest.fixture
def lake(merged_lake: Lake, tmp_path: Path) -> Lake:
    """Return a lake in which each message of one captured table is merged."""
    return copy_lake(merged_lake, tmp_path)


@pytest.fixture(scope="module")
def merged_lake(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Lake:
    lake = Lake(spark, TableStore(str(tmp_path_factory.mktemp("lake"))))
    create_tables(lake.store)
    lake.append(employees(spark, {"id": 1}), "silver", "rh_employees")
    lake.append(reward_rules(spark, {"valid_from": date(2026, 1, 1)}), "silver", "reward_rules")
    lake.store.create_bronze(DISTANCE_CACHE, {})
    lake.append(to_bronze_frame(spark, undecodable(8)), "bronze", DISTANCE_CACHE.table)
    catch_up(lake, DISTANCE_CACHE, {PARTITION_0: 7})
    return lake


@pytest.mark.parametrize(
    ("table_of", "fault"),
    [
        pytest.param(bronze_table, MISSING_ROW, id="gap in Bronze"),
        pytest.param(versions_table, DOUBLED_ROW, id="duplicate in versions"),
        pytest.param(bronze_table, DOUBLED_ROW, id="duplicate in Bronze", marks=pytest.mark.long),
        pytest.param(versions_table, MISSING_ROW, id="gap in versions", marks=pytest.mark.long),
    ],
)
def test_fault_stops_the_figures_that_read_its_table(lake: Lake, fault: PlantedFault, table_of: object) -> None:
    table = _checked(table_of, lake)
    plant(table, fault)
    offsets = "offsets 2 to 2" if fault is MISSING_ROW else "offsets 3 to 3"
    with pytest.raises(CaptureMismatch, match=rf"reads distance_cache was computed(.|\n)*{table.name}.*{offsets}"):
        refresh(lake, NO_OFFSETS, DAY)
    run = lake.read("gold", "runs").first()
    assert run
    computed = {model.name for model in MODELS if f'"gold/{model.name}"' in run.seconds}
    assert computed == {model.name for model in MODELS} - {"prime_sportive"}


@pytest.mark.parametrize("table_of", [bronze_table, pytest.param(versions_table, marks=pytest.mark.long)])
def test_fault_that_cancels_out_is_found_by_reading_all_offsets(lake: Lake, table_of: object) -> None:
    table = _checked(table_of, lake)
    plant(table, BOTH_IN_ONE_FILE)
    assert refresh(lake, NO_OFFSETS, DAY).outcome == "ok"
    [problem] = find_offset_problems(lake.store, DISTANCE_CACHE, read_all=True)
    assert problem.finding == (
        f"{table.layer}/{table.name} lacks partition 0, offsets 2 to 2, "
        "and has more than once partition 0, offsets 3 to 3"
    )


def test_rebuilt_silver_ends_a_gap_of_the_versions(lake: Lake) -> None:
    plant(_checked(versions_table, lake), MISSING_ROW)
    reset_table(lake, DISTANCE_CACHE)
    assert refresh(lake, {**NO_OFFSETS, DISTANCE_CACHE.table: {PARTITION_0: 7}}, DAY).outcome == "ok"


def _checked(table_of: object, lake: Lake) -> CheckedTable:
    assert callable(table_of)
    table: CheckedTable = table_of(Path(lake.store.root), DISTANCE_CACHE)
    return table


@pytest.mark.long
def test_every_kind_of_message_has_one_row_in_the_versions(sample_lake: SampleLake) -> None:
    """A TRUNCATE and the end of a later initial snapshot imply deletes, which are no messages."""
    sample_lake.merge(insert(1), insert(2), update(2), delete(2), Change(None, None, raw=None), insert(3))
    redelivered = update(1, 41, last_commit_lsn=70, lsn=71, tx=9)
    sample_lake.merge(redelivered, redelivered, replace(insert(4), raw="?"), insert(5, -3))
    sample_lake.merge(Change("t", None), insert(6))
    snapshot = [Change("r", key, snapshot_lsn=500, tx=None, is_last_of_snapshot=key == 8) for key in (7, 8)]
    sample_lake.merge(*snapshot)
    assert find_offset_problems(sample_lake.store, SHOES, read_all=True) == []
    assert prove_offsets(sample_lake.store, SHOES) == []
    surplus = implied_rows(sample_lake.store.properties("silver", "shoes_versions"))[PARTITION_0]
    assert surplus == table_stats.row_count(sample_lake.store, "silver", "shoes_versions") - sample_lake.offset
    assert surplus >= 3  # the rows of keys 1 and 3 by the TRUNCATE, that of key 6 by the snapshot


def offsets_of(lake: SampleLake) -> list[int]:
    return [row.offset for row in lake.lake.read("bronze", "shoes").orderBy("offset").collect()]


def double(lake: SampleLake, changes: list[Change], first_offset: int) -> None:
    lake.lake.append(to_bronze_frame(lake.lake.spark, changes, first_offset), "bronze", "shoes")


def test_duplicate_is_removed_and_silver_is_rebuilt(sample_lake: SampleLake) -> None:
    changes = [insert(1), insert(2), insert(3), insert(4)]
    sample_lake.merge(*changes)
    double(sample_lake, changes[1:3], 1)
    sample_lake.merge(insert(5))
    duplicates = bronze_irregularities(sample_lake.store, SHOES).duplicates
    remove_duplicates(sample_lake.lake, SHOES, duplicates, {PARTITION_0: 0})
    assert offsets_of(sample_lake) == [0, 1, 2, 3, 4]
    assert sample_lake.store.properties("bronze", "shoes")["delta.appendOnly"] == "true"
    assert commit_log.refill_count(sample_lake.store, SHOES) == 1
    assert sample_lake.merge().changes == 5
    assert find_offset_problems(sample_lake.store, SHOES, read_all=True) == []
    assert sample_lake.merge().changes == 0


def test_duplicate_of_another_content_becomes_a_gap_that_the_topic_fills(sample_lake: SampleLake) -> None:
    sample_lake.append_to_bronze(insert(1), insert(2), insert(3))
    double(sample_lake, [insert(2, 99)], 1)
    duplicates = bronze_irregularities(sample_lake.store, SHOES).duplicates
    remove_duplicates(sample_lake.lake, SHOES, duplicates, {PARTITION_0: 0})
    assert offsets_of(sample_lake) == [0, 2]
    assert bronze_irregularities(sample_lake.store, SHOES).gaps == [Gap(PARTITION_0, 1, 1)]


@pytest.mark.long
def test_duplicate_that_the_topic_no_longer_has_stays_as_it_was_read_first(sample_lake: SampleLake) -> None:
    sample_lake.append_to_bronze(insert(1), insert(2), insert(3))
    rows: DataFrame = to_bronze_frame(sample_lake.lake.spark, [insert(2, 99)], 1)
    sample_lake.lake.append(rows.withColumn("ingested_at", F.expr("ingested_at + INTERVAL 1 DAY")), "bronze", "shoes")
    duplicates = bronze_irregularities(sample_lake.store, SHOES).duplicates
    remove_duplicates(sample_lake.lake, SHOES, duplicates, {PARTITION_0: 2})
    sample_lake.merge()
    assert sample_lake.silver_sizes() == {1: 40, 2: 40, 3: 40}


def test_repair_whose_lease_has_passed_on_removes_nothing(sample_lake: SampleLake) -> None:
    sample_lake.append_to_bronze(insert(1), insert(2))
    double(sample_lake, [insert(2)], 1)
    duplicates = bronze_irregularities(sample_lake.store, SHOES).duplicates
    old, new = WriterLease("stream", 7), WriterLease("stream", 8)
    fence_table(sample_lake.store, "bronze", "shoes", old)
    frozen = replace(sample_lake.lake, stamps=LeasedStamps(sample_lake.store, old, clock=lambda: 0.0))
    frozen.stamps.next("bronze", "shoes")  # it has looked, and freezes
    fence_table(sample_lake.store, "bronze", "shoes", new)
    with pytest.raises(Exception, match="StaleWriterException"):
        remove_duplicates(frozen, SHOES, duplicates, {PARTITION_0: 0})
    assert offsets_of(sample_lake) == [0, 1, 1]


def test_append_only_is_set_again_after_a_killed_repair(sample_lake: SampleLake) -> None:
    sample_lake.store.set_append_only("bronze", "shoes", False)
    sample_lake.store.create_bronze(SHOES, {})
    assert sample_lake.store.properties("bronze", "shoes")["delta.appendOnly"] == "true"
