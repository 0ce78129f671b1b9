"""Gaps: offsets below a table's last one that it does not hold. None is ever there, unless a commit was lost.

They are found by the files' statistics alone. Only a stretch whose files overlap and hold fewer rows than offsets is
read, and of it the offsets: files that were compacted together say no more than their smallest and largest.
"""

from collections.abc import Iterable, Mapping
from itertools import groupby

from lakehouse.cdc.catalog import Catalog
from lakehouse.cdc.offsets import Gap, OffsetRange, TopicPartition


def find_gaps(catalog: Catalog, name: str, earliest_offsets: Mapping[TopicPartition, int]) -> list[Gap]:
    """Return the gaps of a Bronze table, lane by lane, from the offset on with which a lane begins (default: 0)."""
    found = []
    merged_ranges = merge_ranges(catalog.offset_ranges("bronze", name, column_prefix=""))
    for topic_partition, partition_ranges in groupby(merged_ranges, lambda stretch: stretch.topic_partition):
        expected = earliest_offsets.get(topic_partition, 0)
        for offset_range in partition_ranges:
            if offset_range.first > expected:
                found.append(Gap(topic_partition, expected, offset_range.first - 1))
            if offset_range.rows <= offset_range.last - offset_range.first:
                inside = catalog.offset_gaps(name, offset_range)
                found += [
                    Gap(topic_partition, max(first, expected), last) for first, last in inside if last >= expected
                ]
            expected = max(expected, offset_range.last + 1)
    return found


def merge_ranges(ranges: Iterable[OffsetRange]) -> list[OffsetRange]:
    """Return the ranges in their order, those that overlap as one; what merely adjoins stays apart.

    A range of its own tells by its number of rows whether an offset is missing, however many others there are.
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
