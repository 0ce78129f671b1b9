"""Laws 2, 4 and 5: Silver equals the source table, whatever the batches and however often they are merged."""

from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import SparkSession

from lakehouse.cdc.lake import Lake
from lakehouse.cdc.merge import silver
from lakehouse.cdc.merge.silver import CatchUpResult, catch_up
from lakehouse.cdc.offsets import TopicPartition
from lakehouse.errors import LakehouseError, SchemaMismatch
from spark.messages import SHOES, Change, delete, insert, update
from spark.sample_lake import SampleLake

LONG_TEST = pytest.mark.long


@pytest.fixture
def sample_lake(spark: SparkSession, tmp_path: Path) -> SampleLake:
    return SampleLake(spark, tmp_path)


@pytest.mark.parametrize(
    ("key_list_threshold", "bulk_threshold"),
    [
        (silver.KEY_LIST_THRESHOLD, silver.BULK_THRESHOLD),
        *(
            pytest.param(*thresholds, marks=LONG_TEST)
            for thresholds in [(0, silver.BULK_THRESHOLD), (silver.KEY_LIST_THRESHOLD, 0)]
        ),
    ],
)
def test_inserts_updates_and_deletes_over_two_batches(
    sample_lake: SampleLake, monkeypatch: pytest.MonkeyPatch, key_list_threshold: int, bulk_threshold: int
) -> None:
    monkeypatch.setattr(silver, "KEY_LIST_THRESHOLD", key_list_threshold)
    monkeypatch.setattr(silver, "BULK_THRESHOLD", bulk_threshold)
    assert sample_lake.merge(update(1, 41), update(2, 42), update(3, 43)) == CatchUpResult("shoes", 3, 0, 3)
    assert sample_lake.merge(update(2, 52), delete(3), update(4, 44)) == CatchUpResult("shoes", 3, 0, 3)
    assert sample_lake.silver_sizes() == {1: 41, 2: 52, 4: 44}
    assert sample_lake.merge() == CatchUpResult("shoes")


def test_merge_stops_at_the_given_offset_and_the_next_merge_continues(sample_lake: SampleLake) -> None:
    sample_lake.append_to_bronze(update(1, 41), update(2, 42), update(1, 51), delete(2))
    assert catch_up(sample_lake.lake, SHOES, {TopicPartition(0, 0): 1}) == CatchUpResult("shoes", 2, 0, 2)
    assert sample_lake.silver_sizes() == {1: 41, 2: 42}
    assert sample_lake.merge() == CatchUpResult("shoes", 2, 0, 2)
    assert sample_lake.silver_sizes() == {1: 51}


def test_quarantine_entry_is_resolved_by_a_valid_change_or_a_delete(sample_lake: SampleLake) -> None:
    assert sample_lake.merge(update(1, 41), update(1, -1), update(2, -2)).refused == 2
    assert sample_lake.silver_sizes() == {1: 41}
    assert sample_lake.quarantine_entries() == [
        ('{"id":1}', ["pointure négative"], None),
        ('{"id":2}', ["pointure négative"], None),
    ]
    sample_lake.merge(update(1, 42), delete(2))
    assert sample_lake.silver_sizes() == {1: 42}
    assert [by for _, _, by in sample_lake.quarantine_entries()] == ["corrigé", "supprimé"]


@LONG_TEST
def test_correction_resolves_earlier_quarantine_entries_and_not_later_ones(sample_lake: SampleLake) -> None:
    sample_lake.merge(update(1, -1))
    sample_lake.merge(update(1, 41), update(1, -2))
    assert [by for _, _, by in sample_lake.quarantine_entries()] == ["corrigé", None]


@LONG_TEST
def test_message_that_is_not_json_is_quarantined_once_and_stops_nothing(sample_lake: SampleLake) -> None:
    broken = Change(None, None, raw="not json")
    assert sample_lake.merge(update(1, 41), broken) == CatchUpResult("shoes", 2, 1, 1)
    assert sample_lake.merge() == CatchUpResult("shoes")
    sample_lake.merge(update(2, 42))
    assert sample_lake.silver_sizes() == {1: 41, 2: 42}
    assert sample_lake.quarantine_entries() == [("{}", ["message illisible"], None)]


@LONG_TEST
@pytest.mark.parametrize("crash_before", ["_merge", "append"])
def test_merge_killed_between_two_tables_is_completed_by_the_next_run(
    sample_lake: SampleLake, monkeypatch: pytest.MonkeyPatch, crash_before: str
) -> None:
    sample_lake.merge(update(1, 41), update(2, 42))
    sample_lake.append_to_bronze(update(1, -1), delete(2), update(3, 43))

    with monkeypatch.context() as patch:
        patch.setattr(silver if crash_before == "_merge" else Lake, crash_before, _crash)
        with pytest.raises(KeyboardInterrupt):
            sample_lake.merge()
    sample_lake.merge()
    assert sample_lake.silver_sizes() == {1: 41, 3: 43}
    assert len(sample_lake.quarantine_entries()) == 1
    assert sample_lake.lake.versions(SHOES).count() == 5


@LONG_TEST
def test_inserts_of_a_killed_merge_are_not_duplicated_by_the_next_run(
    sample_lake: SampleLake, monkeypatch: pytest.MonkeyPatch
) -> None:
    sample_lake.merge(update(1, 41), update(2, 42))
    sample_lake.append_to_bronze(insert(3, 43), insert(4, 44))
    with monkeypatch.context() as patch:
        patch.setattr(silver, "_ensure_single_writer", _crash)
        with pytest.raises(KeyboardInterrupt):
            sample_lake.merge()
    sample_lake.merge(insert(5, 45))
    assert sample_lake.silver_sizes() == {1: 41, 2: 42, 3: 43, 4: 44, 5: 45}
    assert sample_lake.lake.silver(SHOES).count() == 5


@LONG_TEST
@pytest.mark.parametrize("change", [insert(2, 42), update(1, 42)])
def test_concurrent_silver_writer_during_a_merge_is_an_error(
    sample_lake: SampleLake, monkeypatch: pytest.MonkeyPatch, change: Change
) -> None:
    sample_lake.merge(update(1, 41))
    is_insert_only = silver._is_insert_only

    def append_concurrently(lake: Lake, *arguments: Any) -> bool:
        insert_only = is_insert_only(lake, *arguments)
        lake.append(lake.silver(SHOES), "silver", SHOES.table)
        return insert_only

    with monkeypatch.context() as patch:
        patch.setattr(silver, "_is_insert_only", append_concurrently)
        with pytest.raises(LakehouseError, match="--rebuild"):
            sample_lake.merge(change)
    silver.reset_table(sample_lake.lake, SHOES)
    sample_lake.merge()
    assert sample_lake.silver_sizes() == {1: 41} | {change.id: change.size}
    assert sample_lake.lake.silver(SHOES).count() == len(sample_lake.silver_sizes())


@LONG_TEST
def test_quarantine_entry_of_a_killed_merge_is_resolved_by_a_later_change(
    sample_lake: SampleLake, monkeypatch: pytest.MonkeyPatch
) -> None:
    sample_lake.merge(update(1, 41))
    with monkeypatch.context() as patch:
        patch.setattr(silver, "_merge", _crash)
        with pytest.raises(KeyboardInterrupt):
            sample_lake.merge(update(1, -1))
    sample_lake.merge(update(1, 42))
    assert [by for _, _, by in sample_lake.quarantine_entries()] == ["corrigé"]
    assert sample_lake.silver_sizes() == {1: 42}


def test_type_mismatch_stops_the_table_and_names_partition_and_offset(sample_lake: SampleLake) -> None:
    sample_lake.merge(update(1, 41))
    broken = '{"op": "u", "after": {"id": 2, "size": "secret", "note": null, "price": null}}'
    with pytest.raises(SchemaMismatch, match=r"shoes: the value of size .* partition 0, offset 1") as error:
        sample_lake.merge(Change("u", 2, raw=broken))
    assert "secret" not in str(error.value)
    assert sample_lake.silver_sizes() == {1: 41}


def test_missing_column_stops_the_table_and_is_named(sample_lake: SampleLake) -> None:
    with pytest.raises(SchemaMismatch, match="shoes: price is in the contract"):
        sample_lake.merge(Change("u", 2, raw='{"op": "u", "after": {"id": 2, "size": 1, "note": null}}'))


def _crash(*_: object) -> None:
    raise KeyboardInterrupt
