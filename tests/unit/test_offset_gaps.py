"""Law 1: an offset that Bronze lacks is found from file statistics, whatever files were compacted together."""

from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from arro3.core import Array, DataType, Table
from deltalake import DeltaTable, write_deltalake
from hypothesis import given
from hypothesis import strategies as st

from lakehouse.cdc.gaps import gaps_of_ranges, merge_ranges
from lakehouse.cdc.offsets import Gap, OffsetRange, TopicPartition
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
from lakehouse.errors import SourceMismatch
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


@given(
    st.lists(st.lists(st.integers(0, 30), min_size=1, max_size=6, unique=True), max_size=6),
    st.integers(0, 10),
)
def test_gaps_of_random_files_are_the_offsets_in_no_file(files: list[list[int]], begin: int) -> None:
    """Each offset is in at most one file: an offset drawn for several goes to the first."""
    distinct, stored = [], set[int]()
    for file in files:
        if fresh := sorted(set(file) - stored):
            distinct.append(fresh)
        stored |= set(file)

    def read_gaps(offset_range: OffsetRange) -> list[tuple[int, int]]:
        present = sorted(offset for offset in stored if offset_range.first <= offset <= offset_range.last)
        return [(left + 1, right - 1) for left, right in pairwise(present) if right > left + 1]

    ranges = [OffsetRange(PARTITION_0, file[0], file[-1], len(file)) for file in distinct]
    gaps = gaps_of_ranges(ranges, {PARTITION_0: begin}, read_gaps)
    missing = {offset for gap in gaps for offset in range(gap.first, gap.last + 1)}
    assert missing == set(range(begin, max(stored, default=-1) + 1)) - stored
    assert sum(gap.last - gap.first + 1 for gap in gaps) == len(missing)


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


def test_gap_that_the_topic_no_longer_has_is_an_error_until_acknowledged(store: TableStore) -> None:
    append(store, [0, 1, 5])
    with pytest.raises(SourceMismatch, match=r"lacks .*partition 0, offsets 2 to 4.*resnapshot\.py"):
        resolve_starting_offsets(store, source_of(earliest_offset=3), SHOES)
    acknowledge_data_loss(store, source_of(earliest_offset=3), SHOES, lambda: 0)
    assert resolve_starting_offsets(store, source_of(earliest_offset=3), SHOES) == StartingOffsets(0, {0: 6})
    append(store, [8])
    with pytest.raises(SourceMismatch, match="offsets 6 to 7"):
        resolve_starting_offsets(store, source_of(earliest_offset=8), SHOES)


def test_gap_of_an_earlier_incarnation_is_no_error_once_acknowledged(store: TableStore) -> None:
    append(store, [0, 2])
    acknowledge_data_loss(store, source_of(topic_id="second"), SHOES, lambda: 0)
    append(store, [0, 1], TopicPartition(1, 0))
    assert resolve_starting_offsets(store, source_of(topic_id="second"), SHOES) == StartingOffsets(1, {0: 2})
