"""Offsets as ranges, so that a missing batch is reported in one line and not in five hundred."""

from collections.abc import Iterable, Sequence


def to_ranges(offsets: Iterable[int]) -> list[range]:
    """Return the distinct offsets as the fewest contiguous ranges, in ascending order."""
    ranges: list[range] = []
    for offset in sorted(set(offsets)):
        if ranges and ranges[-1].stop == offset:
            ranges[-1] = range(ranges[-1].start, offset + 1)
        else:
            ranges.append(range(offset, offset + 1))
    return ranges


def format_ranges(ranges: Sequence[range]) -> str:
    """Return the ranges as text, with both ends included: 3, 7–12."""
    return ", ".join(f"{part.start}" if len(part) == 1 else f"{part.start}–{part[-1]}" for part in ranges)
