"""Offsets as ranges: a batch that is missing is one line, and not five hundred."""

from collections.abc import Iterable, Sequence


def to_ranges(offsets: Iterable[int]) -> list[range]:
    """Return the offsets, each once and in order, as ranges without a hole."""
    ranges: list[range] = []
    for offset in sorted(set(offsets)):
        if ranges and ranges[-1].stop == offset:
            ranges[-1] = range(ranges[-1].start, offset + 1)
        else:
            ranges.append(range(offset, offset + 1))
    return ranges


def format_ranges(ranges: Sequence[range]) -> str:
    """Return the ranges as a person reads them, ends included: 3, 7–12."""
    return ", ".join(f"{one.start}" if len(one) == 1 else f"{one.start}–{one[-1]}" for one in ranges)
