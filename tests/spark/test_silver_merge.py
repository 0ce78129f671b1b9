"""Laws 2, 4 and 5: Silver equals the source table, whatever the batches and however often they are merged."""

import pytest

from lakehouse.cdc.merge.silver import CatchUpResult, MergeThresholds, catch_up, reset_table
from lakehouse.cdc.offsets import TopicPartition
from lakehouse.errors import LakehouseError
from spark.hooked_lake import HookedLake, failing_before
from spark.messages import SHOES, Change, delete, insert, update
from spark.sample_lake import SampleLake

LONG_TEST = pytest.mark.long


@pytest.mark.parametrize(
    "thresholds",
    [
        MergeThresholds(),
        pytest.param(MergeThresholds(key_list=0), marks=LONG_TEST),
        pytest.param(MergeThresholds(bulk=0), marks=LONG_TEST),
    ],
    ids=str,
)
def test_inserts_updates_and_deletes_over_two_batches(sample_lake: SampleLake, thresholds: MergeThresholds) -> None:
    first, second = (update(1, 41), update(2, 42), update(3, 43)), (update(2, 52), delete(3), update(4, 44))
    for batch in (first, second):
        assert sample_lake.merge(*batch, thresholds=thresholds) == CatchUpResult("shoes", 3, 0, 3)
    assert sample_lake.silver_sizes() == {1: 41, 2: 52, 4: 44}
    assert sample_lake.merge(thresholds=thresholds) == CatchUpResult("shoes")


@pytest.mark.parametrize(
    ("batch", "operation", "sizes"),
    [
        (
            (insert(11, 41), update(11, 42), insert(12, 43), delete(12), update(13, 44), delete(14)),
            "WRITE",
            {1: 41, 9: 49, 11: 42, 13: 44},
        ),
        ((insert(11, 41), update(11, 42), update(5, -1)), "MERGE", {1: 41, 9: 49, 11: 42}),
        ((update(13, 44), delete(5), delete(1)), "MERGE", {9: 49, 13: 44}),
    ],
    ids=["keys after all of the table", "refused change of a key between", "delete of a row"],
)
def test_table_without_the_keys_of_a_batch_is_appended_to(
    sample_lake: SampleLake, batch: tuple[Change, ...], operation: str, sizes: dict[int, int]
) -> None:
    sample_lake.merge(insert(1, 41), insert(9, 49))
    sample_lake.merge(*batch)
    assert sample_lake.silver_sizes() == sizes
    assert sample_lake.store.delta_table("silver", SHOES.table).history(1)[0]["operation"] == operation


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
@pytest.mark.parametrize("table", ["silver/shoes", "silver/shoes_versions"])
def test_merge_killed_between_two_tables_is_completed_by_the_next_run(sample_lake: SampleLake, table: str) -> None:
    sample_lake.merge(update(1, 41), update(2, 42))
    sample_lake.append_to_bronze(update(1, -1), delete(2), update(3, 43))
    with pytest.raises(KeyboardInterrupt):
        sample_lake.merge(lake=failing_before(sample_lake.lake, table))
    sample_lake.merge()
    assert sample_lake.silver_sizes() == {1: 41, 3: 43}
    assert len(sample_lake.quarantine_entries()) == 1
    assert sample_lake.lake.versions(SHOES).count() == 5


@LONG_TEST
def test_inserts_of_a_killed_merge_are_not_duplicated_by_the_next_run(sample_lake: SampleLake) -> None:
    sample_lake.merge(update(1, 41), update(2, 42))
    sample_lake.append_to_bronze(insert(3, 43), insert(4, 44))
    with pytest.raises(KeyboardInterrupt):
        sample_lake.merge(lake=failing_before(sample_lake.lake, "silver/shoes_versions"))
    assert sample_lake.silver_sizes() == {1: 41, 2: 42, 3: 43, 4: 44}
    sample_lake.merge(insert(5, 45))
    assert sample_lake.silver_sizes() == {1: 41, 2: 42, 3: 43, 4: 44, 5: 45}
    assert sample_lake.lake.silver(SHOES).count() == 5


@LONG_TEST
@pytest.mark.parametrize("change", [insert(2, 42), update(1, 42)])
def test_concurrent_silver_writer_during_a_merge_is_an_error(sample_lake: SampleLake, change: Change) -> None:
    sample_lake.merge(update(1, 41))
    lake = sample_lake.lake

    def append_concurrently(table: str) -> None:
        if table == "silver/shoes":
            lake.append(lake.silver(SHOES), "silver", SHOES.table)

    with pytest.raises(LakehouseError, match="--rebuild"):
        sample_lake.merge(change, lake=HookedLake(lake.spark, lake.store, before_write=append_concurrently))
    reset_table(lake, SHOES)
    sample_lake.merge()
    assert sample_lake.silver_sizes() == {1: 41} | {change.id: change.size}
    assert sample_lake.lake.silver(SHOES).count() == len(sample_lake.silver_sizes())


@LONG_TEST
def test_quarantine_entry_of_a_killed_merge_is_resolved_by_a_later_change(sample_lake: SampleLake) -> None:
    sample_lake.merge(update(1, 41))
    with pytest.raises(KeyboardInterrupt):
        sample_lake.merge(update(1, -1), lake=failing_before(sample_lake.lake, "silver/shoes"))
    sample_lake.merge(update(1, 42))
    assert [by for _, _, by in sample_lake.quarantine_entries()] == ["corrigé"]
    assert sample_lake.silver_sizes() == {1: 42}
