"""Gaps and duplicates: offsets that a table lacks, and those that it has more than once (law 1).

A topic-partition has as many rows as offsets: last - first + 1, less the gaps that were acknowledged. The files'
statistics show that, and offsets are read only where the numbers differ. A gap and a duplicate cancel out within one
file, or within files that overlap. `read_all` therefore reads every offset.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from lakehouse.cdc.offsets import Duplicate, Gap, OffsetRange, Offsets, TopicPartition

# Topic-partition -> the offsets whose loss was acknowledged, ascending.
AcknowledgedGaps = Mapping[TopicPartition, Sequence[range]]
MAX_ROWS_PER_READ = 1_000_000  # their offsets are sorted in memory
MAX_RANGES_IN_MESSAGE = 5


@dataclass(frozen=True)
class RangeContent:
    """What the rows of a range show: the offsets that are missing, and those that are there more than once."""

    missing: Sequence[range] = ()
    doubled: Sequence[range] = ()


@dataclass(frozen=True)
class Irregularities:
    """The gaps and duplicates of a table.

    `surplus` has, for each topic-partition, the rows beyond one per offset, by the files' statistics.
    """

    gaps: Sequence[Gap] = ()
    duplicates: Sequence[Duplicate] = ()
    surplus: Mapping[TopicPartition, int] = field(default_factory=dict)

    @property
    def is_regular(self) -> bool:
        """Return whether each offset is there once."""
        return not (self.gaps or self.duplicates)

    def __str__(self) -> str:
        lacks = f"lacks {_list(self.gaps)}" if self.gaps else ""
        doubles = f"has more than once {_list(self.duplicates)}" if self.duplicates else ""
        return ", and ".join(filter(None, (lacks, doubles)))


def find_irregularities(
    ranges: Iterable[OffsetRange],
    read_range: Callable[[OffsetRange], RangeContent],
    *,
    acknowledged: AcknowledgedGaps,
    at_least: Offsets,
    known_surplus: Mapping[TopicPartition, int],
    read_all: bool = False,
) -> Irregularities:
    """Return the gaps and duplicates of a table whose files have these ranges.

    Each topic-partition begins at offset 0, and ends not before its offset in `at_least`. `known_surplus` rows share
    the offset of another one rightly. `read_range` reads the offsets of a range: of each one with another number of
    rows than expected, with `read_all` of every one.
    """
    merged = merge_ranges(ranges)
    gaps: list[Gap] = []
    duplicates: list[Duplicate] = []
    surplus: dict[TopicPartition, int] = {}
    for topic_partition in sorted({*(one.topic_partition for one in merged), *at_least}):
        own = [one for one in merged if one.topic_partition == topic_partition]
        known = acknowledged.get(topic_partition, ())
        surpluses = {one: surplus_rows(one, known) for one in own}
        surplus[topic_partition] = sum(surpluses.values())
        if read_all:
            own = to_read = [*_join_up_to(own, MAX_ROWS_PER_READ)]
        else:
            to_read = _irregular(surpluses, known_surplus.get(topic_partition, 0))
        contents = [read_range(one) for one in to_read]
        missing = [*_between(own, at_least.get(topic_partition, -1)), *(m for one in contents for m in one.missing)]
        unknown = subtract(join_ranges(missing), known)
        gaps += [Gap(topic_partition, one.start, one[-1]) for one in unknown]
        doubled = [one for content in contents for one in content.doubled]
        duplicates += [Duplicate(topic_partition, one.start, one[-1]) for one in doubled]
    return Irregularities(gaps, duplicates, surplus)


def surplus_rows(offset_range: OffsetRange, acknowledged: Iterable[range]) -> int:
    """Return the rows of a range beyond one per offset; negative where it lacks offsets that were not acknowledged."""
    _, first, last, rows = offset_range
    surplus = rows - (last - first + 1)
    lost = sum(max(0, min(one.stop, last + 1) - max(one.start, first)) for one in acknowledged)
    return surplus if surplus >= 0 else surplus + lost


def merge_ranges(ranges: Iterable[OffsetRange]) -> list[OffsetRange]:
    """Return the ranges in order, with overlapping ones merged into one; adjoining ones stay apart.

    The row count of each range then shows whether it is irregular. Only such a range has to be read.
    """
    merged: list[OffsetRange] = []
    for offset_range in sorted(ranges):
        last = merged[-1] if merged else None
        if last and last.topic_partition == offset_range.topic_partition and offset_range.first <= last.last:
            merged[-1] = _span(last, offset_range)
        else:
            merged.append(offset_range)
    return merged


def subtract(ranges: Iterable[range], removed: Sequence[range]) -> Iterator[range]:
    """Yield what is left of the ranges without the removed ones, which are ascending."""
    for one in ranges:
        start = one.start
        for hole in removed:
            if start < hole.stop and hole.start < one.stop:
                if start < hole.start:
                    yield range(start, hole.start)
                start = hole.stop
        if start < one.stop:
            yield range(start, one.stop)


def join_ranges(ranges: Iterable[range]) -> list[range]:
    """Return the ranges in order, with overlapping and adjoining ones joined."""
    joined: list[range] = []
    for one in sorted(ranges, key=lambda one: one.start):
        if joined and one.start <= joined[-1].stop:
            joined[-1] = range(joined[-1].start, max(joined[-1].stop, one.stop))
        else:
            joined.append(one)
    return joined


def _irregular(surpluses: Mapping[OffsetRange, int], known_surplus: int) -> list[OffsetRange]:
    """Return the ranges to read: each without the expected row count, unless all of these are the known surplus."""
    is_known = sum(surpluses.values()) == known_surplus and not any(surplus < 0 for surplus in surpluses.values())
    return [] if is_known else [one for one, surplus in surpluses.items() if surplus]


def _between(ranges: Sequence[OffsetRange], at_least: int) -> Iterator[range]:
    """Yield the offsets before, between and after the ranges, from 0 to `at_least`."""
    ends = [-1, *(one.last for one in ranges)]
    starts = [*(one.first for one in ranges), at_least + 1]
    for end, start in zip(ends, starts, strict=True):
        if end + 1 < start:
            yield range(end + 1, start)


def _join_up_to(ranges: Iterable[OffsetRange], max_rows: int) -> Iterator[OffsetRange]:
    """Yield the ranges, with successive ones joined as long as they have at most so many rows."""
    pending: OffsetRange | None = None
    for one in ranges:
        if pending and pending.rows + one.rows > max_rows:
            yield pending
            pending = one
        else:
            pending = _span(pending, one) if pending else one
    if pending:
        yield pending


def _span(first: OffsetRange, second: OffsetRange) -> OffsetRange:
    return OffsetRange(first.topic_partition, first.first, max(first.last, second.last), first.rows + second.rows)


def _list(ranges: Sequence[object]) -> str:
    more = f" and {len(ranges) - MAX_RANGES_IN_MESSAGE} more" if len(ranges) > MAX_RANGES_IN_MESSAGE else ""
    return "; ".join(map(str, ranges[:MAX_RANGES_IN_MESSAGE])) + more
