"""Gaps: offsets below a Bronze table's last one that it lacks. A table has gaps only where a commit was lost.

They are found from the files' statistics. Offsets are read only where overlapping files have fewer rows than offsets:
statistics of compacted files give no more than the smallest and the largest offset.
"""

from collections.abc import Iterable, Mapping
from itertools import groupby

from lakehouse.cdc.catalog import Catalog
from lakehouse.cdc.offsets import Gap, OffsetRange, TopicPartition


def find_gaps(catalog: Catalog, name: str, earliest_offsets: Mapping[TopicPartition, int]) -> list[Gap]:
    """Return the gaps of a Bronze table by topic-partition; each one begins at its earliest offset (default: 0)."""
    gaps = []
    merged_ranges = merge_ranges(catalog.offset_ranges("bronze", name, column_prefix=""))
    for topic_partition, partition_ranges in groupby(merged_ranges, lambda offset_range: offset_range.topic_partition):
        expected = earliest_offsets.get(topic_partition, 0)
        for offset_range in partition_ranges:
            if offset_range.first > expected:
                gaps.append(Gap(topic_partition, expected, offset_range.first - 1))
            if offset_range.rows <= offset_range.last - offset_range.first:
                inner_gaps = catalog.offset_gaps(name, offset_range)
                gaps += [
                    Gap(topic_partition, max(first, expected), last) for first, last in inner_gaps if last >= expected
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
