"""Law 1: an offset that Bronze lacks or has twice is found from file statistics, whatever files were compacted."""

import json
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from arro3.core import Array, DataType, Table
from deltalake import DeltaTable, write_deltalake
from hypothesis import given, settings
from hypothesis import strategies as st

from lakehouse.cdc import table_stats
from lakehouse.cdc.gaps import RangeContent, find_irregularities, merge_ranges, subtract
from lakehouse.cdc.offset_check import bronze_irregularities, find_offset_problems
from lakehouse.cdc.offsets import Duplicate, Gap, OffsetRange, TopicPartition
from lakehouse.cdc.source_identity import (
    Source,
    StartingOffsets,
    Topic,
    acknowledge_data_loss,
    bronze_gaps,
    create_bronze_tables,
    resolve_starting_offsets,
)
from lakehouse.cdc.table_store import TableStore
from spark.messages import SHOES

PARTITION_0, PARTITION_1 = TopicPartition(0, 0), TopicPartition(0, 1)


@pytest.fixture
def store(tmp_path: Path) -> TableStore:
    store = TableStore(str(tmp_path))
    create_bronze_tables(store, source_of(), SHOES)
    return store


def source_of(earliest_offset: int = 0, topic_id: str = "first") -> Source:
    return Source(
        "42", {SHOES.topic: Topic(SHOES.topic, topic_id, {0: earliest_offset}, lambda last: dict.fromkeys(last, 1))}
    )


def append(store: TableStore, offsets: Sequence[int], topic_partition: TopicPartition = PARTITION_0) -> None:
    """Commit rows at these offsets, in one file."""
    columns: dict[str, Any] = {
        "incarnation": Array([topic_partition.incarnation] * len(offsets), DataType.int32()),
        "partition": Array([topic_partition.partition] * len(offsets), DataType.int32()),
        "offset": Array(offsets, DataType.int64()),
    }
    write_deltalake(store.path("bronze", "shoes"), Table.from_pydict(columns), mode="append", schema_mode="merge")


def compact(store: TableStore) -> None:
    DeltaTable(store.path("bronze", "shoes")).optimize.compact()


def delete_data_files(store: TableStore) -> int:
    """Delete the table's files and return how many there were; its log stays."""
    files = [*Path(store.path("bronze", "shoes")).rglob("*.parquet")]
    for file in files:
        file.unlink()
    return len(files)


def test_contiguous_offsets_have_no_gap(store: TableStore) -> None:
    append(store, [0, 1, 2])
    append(store, [3])
    append(store, [0, 1], PARTITION_1)
    assert bronze_gaps(store, SHOES) == []


def test_missing_commit_is_an_offset_gap(store: TableStore) -> None:
    append(store, [0, 1])
    append(store, [5, 6])
    append(store, [1], PARTITION_1)
    assert bronze_gaps(store, SHOES) == [Gap(PARTITION_0, 2, 4), Gap(PARTITION_1, 0, 0)]


def test_compaction_does_not_hide_a_gap(store: TableStore) -> None:
    for offsets in ([0, 1], [5, 6], [9]):
        append(store, offsets)
    compact(store)
    assert bronze_gaps(store, SHOES) == [Gap(PARTITION_0, 2, 4), Gap(PARTITION_0, 7, 8)]
    append(store, [11])
    assert bronze_gaps(store, SHOES)[-1] == Gap(PARTITION_0, 10, 10)


def test_overlapping_file_ranges_without_missing_offsets_are_no_gap(store: TableStore) -> None:
    append(store, [0, 1, 4, 5])
    append(store, [2, 3])
    assert bronze_gaps(store, SHOES) == []


def test_gap_check_without_gaps_reads_file_statistics_only(store: TableStore) -> None:
    append(store, [0, 1, 4, 5])
    append(store, [2, 3])
    assert delete_data_files(store) == 2
    assert bronze_gaps(store, SHOES) == []


def test_doubled_commit_is_found_from_file_statistics(store: TableStore) -> None:
    append(store, [0, 1, 2])
    append(store, [1, 2])
    append(store, [3])
    append(store, [0], PARTITION_1)
    append(store, [0], PARTITION_1)
    found = bronze_irregularities(store, SHOES)
    assert found.duplicates == [Duplicate(PARTITION_0, 1, 2), Duplicate(PARTITION_1, 0, 0)]
    assert found.gaps == []


def test_gap_and_duplicate_in_different_files_are_both_found(store: TableStore) -> None:
    for offsets in ([0, 1], [0, 1], [4, 5]):
        append(store, offsets)
    found = bronze_irregularities(store, SHOES)
    assert (found.gaps, found.duplicates) == ([Gap(PARTITION_0, 2, 3)], [Duplicate(PARTITION_0, 0, 1)])


def test_gap_within_one_file_and_duplicate_within_another_are_both_found(store: TableStore) -> None:
    """They cancel out in the sum of all rows, and not in those of each file."""
    append(store, [0, 1, 3])
    append(store, [4, 4])
    found = bronze_irregularities(store, SHOES)
    assert (found.gaps, found.duplicates) == ([Gap(PARTITION_0, 2, 2)], [Duplicate(PARTITION_0, 4, 4)])


def test_gap_and_duplicate_in_one_file_cancel_out_until_all_offsets_are_read(store: TableStore) -> None:
    append(store, [0, 1, 1, 3])
    assert bronze_irregularities(store, SHOES).is_regular
    found = bronze_irregularities(store, SHOES, read_all=True)
    assert (found.gaps, found.duplicates) == ([Gap(PARTITION_0, 2, 2)], [Duplicate(PARTITION_0, 1, 1)])


def test_problem_names_table_partition_offsets_and_command(store: TableStore) -> None:
    append(store, [0, 1, 1])
    append(store, [4], TopicPartition(1, 2))
    [problem] = find_offset_problems(store, SHOES)
    assert str(problem).startswith(
        "bronze/shoes lacks incarnation 1, partition 2, offsets 0 to 3, "
        "and has more than once partition 0, offsets 1 to 1. "
        "python scripts/Jobs_Spark/repair_bronze.py --table shoes "
    )


def test_file_without_statistics_is_read_instead(store: TableStore) -> None:
    append(store, [0, 1, 1, 3])
    append(store, [5], PARTITION_1)
    for commit in Path(store.path("bronze", "shoes"), "_delta_log").glob("*.json"):
        actions = [json.loads(line) for line in commit.read_text(encoding="utf-8").splitlines()]
        for action in actions:
            action.get("add", {}).pop("stats", None)
        commit.write_text("\n".join(map(json.dumps, actions)) + "\n", encoding="utf-8")
    assert table_stats.bronze_offsets(store, SHOES) == {PARTITION_0: 3, PARTITION_1: 5}
    found = bronze_irregularities(store, SHOES, read_all=True)
    assert found.gaps == [Gap(PARTITION_0, 2, 2), Gap(PARTITION_1, 0, 4)]
    assert found.duplicates == [Duplicate(PARTITION_0, 1, 1)]


def test_look_at_many_files_reads_no_row(store: TableStore) -> None:
    for number in range(40):
        append(store, [2 * number, 2 * number + 1])
    delete_data_files(store)
    assert find_offset_problems(store, SHOES) == []


@settings(deadline=None)  # of a busy machine
@given(
    st.lists(st.lists(st.integers(0, 30), min_size=1, max_size=6), max_size=6),
    st.lists(st.integers(0, 30), max_size=5),
    st.booleans(),
)
def test_irregularities_of_random_files_are_the_offsets_that_are_not_there_once(
    files: list[list[int]], acknowledged: list[int], read_all: bool
) -> None:
    """By statistics alone, what is found is right. All of it is found, unless it cancels out."""
    rows = [offset for file in files for offset in file]
    lost = [range(offset, offset + 1) for offset in sorted({*acknowledged})]

    def read_range(offset_range: OffsetRange) -> RangeContent:
        present = sorted(offset for offset in rows if offset_range.first <= offset <= offset_range.last)
        return RangeContent(
            missing=[range(left + 1, right) for left, right in pairwise(present) if right > left + 1],
            doubled=[range(offset, offset + 1) for offset in sorted({*present}) if present.count(offset) > 1],
        )

    found = find_irregularities(
        [OffsetRange(PARTITION_0, min(file), max(file), len(file)) for file in files],
        read_range,
        acknowledged={PARTITION_0: lost},
        at_least={},
        known_surplus={},
        read_all=read_all,
    )
    missing = {offset for gap in found.gaps for offset in range(gap.first, gap.last + 1)}
    doubled = {offset for one in found.duplicates for offset in range(one.first, one.last + 1)}
    true_missing = {*range(max(rows, default=-1) + 1)} - {*rows} - {*acknowledged}
    true_doubled = {offset for offset in rows if rows.count(offset) > 1}
    assert missing <= true_missing
    assert doubled <= true_doubled
    if read_all or not (true_doubled or {*rows} & {*acknowledged}):
        assert (missing, doubled) == (true_missing, true_doubled)
    if not true_missing and not {*acknowledged} & {*range(max(rows, default=-1) + 1)}:
        assert doubled == true_doubled


@settings(deadline=None)  # of a busy machine
@given(st.sets(st.integers(0, 30)), st.sets(st.integers(0, 30)))
def test_acknowledged_offsets_are_subtracted_from_gaps(missing: set[int], known: set[int]) -> None:
    left = subtract([range(one, one + 1) for one in sorted(missing)], [range(one, one + 1) for one in sorted(known)])
    assert [offset for one in left for offset in one] == sorted(missing - known)
    assert [*subtract([range(30)], [range(3, 5), range(7, 40)])] == [range(3), range(5, 7)]


def test_adjoining_offset_ranges_are_not_merged() -> None:
    adjoining = [OffsetRange(PARTITION_0, 0, 4, 5), OffsetRange(PARTITION_0, 5, 9, 5)]
    assert merge_ranges(reversed(adjoining)) == adjoining
    overlapping = [
        OffsetRange(PARTITION_0, 0, 4, 3),
        OffsetRange(PARTITION_0, 4, 9, 4),
        OffsetRange(PARTITION_1, 3, 3, 1),
    ]
    assert merge_ranges(overlapping) == [OffsetRange(PARTITION_0, 0, 9, 7), OffsetRange(PARTITION_1, 3, 3, 1)]


def test_gap_that_the_topic_still_has_is_to_be_refilled(store: TableStore) -> None:
    append(store, [0, 1, 5])
    assert resolve_starting_offsets(store, source_of(earliest_offset=2), SHOES) == StartingOffsets(
        0, {0: 6}, (Gap(PARTITION_0, 2, 4),)
    )


def test_gap_that_the_topic_no_longer_has_is_reported_until_acknowledged(store: TableStore) -> None:
    append(store, [0, 1, 5])
    assert resolve_starting_offsets(store, source_of(earliest_offset=3), SHOES) == StartingOffsets(0, {0: 6})
    [problem] = find_offset_problems(store, SHOES)
    assert problem.finding == "bronze/shoes lacks partition 0, offsets 2 to 4"
    assert "resnapshot.py" in problem.remedy
    acknowledge_data_loss(store, source_of(earliest_offset=3), SHOES, lambda: 0)
    assert find_offset_problems(store, SHOES) == []
    append(store, [8])
    assert resolve_starting_offsets(store, source_of(earliest_offset=8), SHOES) == StartingOffsets(0, {0: 9})
    [problem] = find_offset_problems(store, SHOES)
    assert problem.finding == "bronze/shoes lacks partition 0, offsets 6 to 7"


def test_row_lost_before_an_acknowledged_gap_is_found(store: TableStore) -> None:
    """Only the acknowledged offsets themselves may be missing, not each one before them."""
    append(store, [0, 1])
    append(store, [2, 3])
    append(store, [9])
    acknowledge_data_loss(store, source_of(earliest_offset=9), SHOES, lambda: 0)
    compact(store)
    assert find_offset_problems(store, SHOES) == []
    store.set_append_only("bronze", "shoes", False)
    store.delta_table("bronze", "shoes").delete('"offset" = 1')
    assert bronze_gaps(store, SHOES) == [Gap(PARTITION_0, 1, 1)]


def test_acknowledged_gap_costs_no_read_of_rows(store: TableStore) -> None:
    append(store, [0, 1])
    append(store, [9])
    acknowledge_data_loss(store, source_of(earliest_offset=9), SHOES, lambda: 0)
    compact(store)
    delete_data_files(store)
    assert find_offset_problems(store, SHOES) == []


def test_loss_that_version_0_2_acknowledged_is_no_problem(store: TableStore) -> None:
    append(store, [0, 1, 5])
    append(store, [8])
    store.set_properties("bronze", "shoes", {"cdc.lostBefore.0.0": "5"})
    assert bronze_gaps(store, SHOES) == [Gap(PARTITION_0, 6, 7)]
    store.set_properties("bronze", "shoes", {"cdc.lostBefore.0.0": "10"})
    assert bronze_gaps(store, SHOES) == []
    assert resolve_starting_offsets(store, source_of(earliest_offset=0), SHOES) == StartingOffsets(0, {0: 10})


def test_gap_of_an_earlier_incarnation_is_no_error_once_acknowledged(store: TableStore) -> None:
    append(store, [0, 2])
    acknowledge_data_loss(store, source_of(topic_id="second"), SHOES, lambda: 0)
    append(store, [0, 1], TopicPartition(1, 0))
    assert resolve_starting_offsets(store, source_of(topic_id="second"), SHOES) == StartingOffsets(1, {0: 2})
