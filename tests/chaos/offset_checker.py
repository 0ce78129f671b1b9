"""Every offset of a topic has to be in Bronze once, and in Silver's versions at least once: those that are not, named.

Read without Spark, from the files that the log names.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from deltalake import DeltaTable, QueryBuilder

from chaos import delta_log
from chaos.offset_ranges import format_ranges, to_ranges
from lakehouse.cdc.contract import Contract
from lakehouse.cdc.positions import Lane

Counts = Mapping[tuple[Lane, int], int]


@dataclass(frozen=True)
class Table:
    """A table to check, and its topic: its offset columns begin with the prefix; only `once` forbids a second row."""

    topic: str
    lake: Path
    layer: str
    name: str
    prefix: str = ""
    once: bool = True

    @property
    def path(self) -> Path:
        return self.lake / self.layer / self.name

    @property
    def archive(self) -> Path:
        return self.lake / delta_log.ARCHIVE / self.layer / self.name


@dataclass(frozen=True)
class OffsetFinding:
    """Offsets of a partition that a table has not, or has more than once."""

    table: Table
    topic_partition: Lane
    kind: str
    ranges: Sequence[range]

    @property
    def offsets(self) -> int:
        return sum(map(len, self.ranges))

    def __str__(self) -> str:
        lane = self.topic_partition
        return (
            f"{self.table.layer}/{self.table.name}, incarnation {lane.incarnation}, partition {lane.partition}: "
            f"{self.offsets} offsets {self.kind}: {format_ranges(self.ranges)}"
        )


def bronze(lake: Path, contract: Contract) -> Table:
    return Table(contract.topic, lake, "bronze", contract.table)


def versions(lake: Path, contract: Contract) -> Table:
    """Return the versions' table: a message that implies deletes has a row for each, with its own offset."""
    return Table(contract.topic, lake, "silver", f"{contract.table}_versions", prefix="_", once=False)


def check(table: Table, expected: Mapping[Lane, range]) -> list[OffsetFinding]:
    """Compare a table with the offsets that its topic has, and return what is missing and what is doubled."""
    return [*compare(table, count_rows_by_offset(table), expected)]


def compare(table: Table, counts: Counts, expected: Mapping[Lane, range]) -> Iterator[OffsetFinding]:
    """Yield what differs; rows of other partitions, or of offsets beyond those expected, are not looked at."""
    for lane, offsets in expected.items():
        if missing := to_ranges(offset for offset in offsets if not counts.get((lane, offset))):
            yield OffsetFinding(table, lane, "missing", missing)
        if doubled := to_ranges(offset for offset in offsets if table.once and counts.get((lane, offset), 0) > 1):
            yield OffsetFinding(table, lane, "doubled", doubled)


def count_rows_by_offset(table: Table) -> Counts:
    """Return how many rows each offset has."""
    columns = [f"{table.prefix}{name}" for name in ("incarnation", "partition", "offset")]
    quoted = ", ".join(f'"{name}"' for name in columns)
    query = f"SELECT {quoted}, count(*) AS n FROM t GROUP BY {quoted}"  # noqa: S608 - our own names
    read = QueryBuilder().register("t", DeltaTable(table.path)).execute(query).read_all()
    rows = zip(*(read.column(name).to_pylist() for name in (*columns, "n")), strict=True)
    return {(Lane(incarnation, partition), offset): n for incarnation, partition, offset, n in rows}


def explain(found: Iterable[OffsetFinding]) -> Iterator[str]:
    """Yield, for each finding and each of its ranges, the commits around it."""
    for one in found:
        yield str(one)
        log = delta_log.read_log(one.table.path, one.table.archive, one.table.prefix)
        for gap in one.ranges:
            yield f"  around {format_ranges([gap])}:"
            yield from (f"    {line}" for line in delta_log.describe_gap(log, one.topic_partition, gap))
