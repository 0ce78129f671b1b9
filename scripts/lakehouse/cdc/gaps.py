"""Gaps: offsets below a table's last one that it does not hold. None is ever there, unless a commit was lost.

They are found by the files' statistics alone. Only a stretch whose files overlap and hold fewer rows than offsets is
read, and of it the offsets: files that were compacted together say no more than their smallest and largest.
"""

from collections.abc import Iterable, Mapping
from itertools import groupby

from lakehouse.cdc.catalog import Catalog
from lakehouse.cdc.positions import Gap, Lane, OffsetRange


def find_gaps(catalog: Catalog, name: str, begins: Mapping[Lane, int]) -> list[Gap]:
    """Return the gaps of a Bronze table, lane by lane, from the offset on with which a lane begins (default: 0)."""
    found = []
    stretches = merge_ranges(catalog.offset_ranges("bronze", name, prefix=""))
    for lane, of_lane in groupby(stretches, lambda stretch: stretch.lane):
        expected = begins.get(lane, 0)
        for stretch in of_lane:
            if stretch.first > expected:
                found.append(Gap(lane, expected, stretch.first - 1))
            if stretch.rows <= stretch.last - stretch.first:
                inside = catalog.offset_gaps(name, stretch)
                found += [Gap(lane, max(first, expected), last) for first, last in inside if last >= expected]
            expected = max(expected, stretch.last + 1)
    return found


def merge_ranges(ranges: Iterable[OffsetRange]) -> list[OffsetRange]:
    """Return the ranges in their order, those that overlap as one; what merely adjoins stays apart.

    A range of its own tells by its number of rows whether an offset is missing, however many others there are.
    """
    merged: list[OffsetRange] = []
    for one in sorted(ranges):
        last = merged[-1] if merged else None
        if last and last.lane == one.lane and one.first <= last.last:
            merged[-1] = OffsetRange(one.lane, last.first, max(last.last, one.last), last.rows + one.rows)
        else:
            merged.append(one)
    return merged
