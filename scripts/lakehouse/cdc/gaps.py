"""Gaps: offsets below a Bronze table's last one that it lacks. A table has gaps only where a commit was lost.

They are found from the files' statistics. Offsets are read only where overlapping files have fewer rows than offsets:
statistics of compacted files have no more than the smallest and the largest offset.
"""

from collections.abc import Callable, Iterable, Mapping
from functools import partial
from itertools import groupby

from lakehouse.cdc import table_query, table_stats
from lakehouse.cdc.offsets import Gap, OffsetRange, TopicPartition
from lakehouse.cdc.table_store import TableStore


def find_gaps(store: TableStore, name: str, earliest_offsets: Mapping[TopicPartition, int]) -> list[Gap]:
    """Return the gaps of a Bronze table by topic-partition; each one begins at its earliest offset (default: 0)."""
    ranges = table_stats.offset_ranges(store, "bronze", name, column_prefix="")
    return gaps_of_ranges(ranges, earliest_offsets, partial(table_query.offset_gaps, store, name))


def gaps_of_ranges(
    ranges: Iterable[OffsetRange],
    earliest_offsets: Mapping[TopicPartition, int],
    read_gaps: Callable[[OffsetRange], Iterable[tuple[int, int]]],
) -> list[Gap]:
    """Return the gaps of a table whose files have these ranges, each offset in one file.

    `read_gaps` returns the (first, last) offsets of the gaps within a range that has fewer rows than offsets.
    """
    gaps = []
    for topic_partition, partition_ranges in groupby(merge_ranges(ranges), lambda merged: merged.topic_partition):
        expected = earliest_offsets.get(topic_partition, 0)
        for offset_range in partition_ranges:
            if offset_range.first > expected:
                gaps.append(Gap(topic_partition, expected, offset_range.first - 1))
            if offset_range.rows <= offset_range.last - offset_range.first:
                gaps += [
                    Gap(topic_partition, max(first, expected), last)
                    for first, last in read_gaps(offset_range)
                    if last >= expected
                ]
            expected = max(expected, offset_range.last + 1)
    return gaps


def merge_ranges(ranges: Iterable[OffsetRange]) -> list[OffsetRange]:
    """Return the ranges in order, with overlapping ones merged into one; adjoining ones stay apart.

    The row count of each range then shows whether it lacks an offset. Only such a range has to be read.
    """
    merged: list[OffsetRange] = []
    for offset_range in sorted(ranges):
        last = merged[-1] if merged else None
        if last and last.topic_partition == offset_range.topic_partition and offset_range.first <= last.last:
            merged[-1] = OffsetRange(
                offset_range.topic_partition,
                last.first,
                max(last.last, offset_range.last),
                last.rows + offset_range.rows,
            )
        else:
            merged.append(offset_range)
    return merged
