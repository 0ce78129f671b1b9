"""A check that Bronze holds each offset of a topic once, and Silver's versions each at least once.

It reads the files of the Delta log without Spark, so that it is independent of the engine under test.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from deltalake import DeltaTable, QueryBuilder

from chaos import delta_log
from chaos.offset_ranges import format_ranges, to_ranges
from lakehouse.cdc.contract import Contract
from lakehouse.cdc.offsets import TopicPartition

RowCounts = Mapping[tuple[TopicPartition, int], int]


@dataclass(frozen=True)
class CheckedTable:
    """A table to check, and its topic.

    The names of its offset columns start with `prefix`. Only with `unique_offsets` is a second row of an offset wrong.
    """

    topic: str
    lake: Path
    layer: str
    name: str
    prefix: str = ""
    unique_offsets: bool = True

    @property
    def path(self) -> Path:
        return self.lake / self.layer / self.name

    @property
    def archive(self) -> Path:
        return self.lake / delta_log.ARCHIVE / self.layer / self.name


@dataclass(frozen=True)
class OffsetFinding:
    """The offsets of a partition that are `missing` in a table, or `doubled`: there more than once."""

    table: CheckedTable
    topic_partition: TopicPartition
    kind: str
    ranges: Sequence[range]

    @property
    def offsets(self) -> int:
        return sum(map(len, self.ranges))

    def __str__(self) -> str:
        incarnation, partition = self.topic_partition
        return (
            f"{self.table.layer}/{self.table.name}, incarnation {incarnation}, partition {partition}: "
            f"{self.offsets} offsets {self.kind}: {format_ranges(self.ranges)}"
        )


def bronze_table(lake: Path, contract: Contract) -> CheckedTable:
    return CheckedTable(contract.topic, lake, "bronze", contract.table)


def versions_table(lake: Path, contract: Contract) -> CheckedTable:
    """Return the versions table of Silver, whose offsets repeat.

    A message that implies deletes has one row for each deleted key, all at its own offset.
    """
    return CheckedTable(contract.topic, lake, "silver", f"{contract.table}_versions", prefix="_", unique_offsets=False)


def check_table(table: CheckedTable, expected: Mapping[TopicPartition, range]) -> list[OffsetFinding]:
    """Return the missing and duplicate offsets of a table, compared with the offsets of its topic."""
    return [*compare(table, count_rows_by_offset(table), expected)]


def compare(
    table: CheckedTable, counts: RowCounts, expected: Mapping[TopicPartition, range]
) -> Iterator[OffsetFinding]:
    """Yield a finding for each partition's missing and duplicate offsets; rows outside `expected` are ignored."""
    for topic_partition, offsets in expected.items():
        if missing := to_ranges(offset for offset in offsets if not counts.get((topic_partition, offset))):
            yield OffsetFinding(table, topic_partition, "missing", missing)
        if doubled := to_ranges(
            offset for offset in offsets if table.unique_offsets and counts.get((topic_partition, offset), 0) > 1
        ):
            yield OffsetFinding(table, topic_partition, "doubled", doubled)


def count_rows_by_offset(table: CheckedTable) -> RowCounts:
    """Return the number of rows by topic-partition and offset."""
    columns = [f"{table.prefix}{name}" for name in ("incarnation", "partition", "offset")]
    quoted = ", ".join(f'"{name}"' for name in columns)
    query = f"SELECT {quoted}, count(*) AS n FROM t GROUP BY {quoted}"  # noqa: S608 - our own names
    result = QueryBuilder().register("t", DeltaTable(table.path)).execute(query).read_all()
    rows = zip(*(result.column(name).to_pylist() for name in (*columns, "n")), strict=True)
    return {(TopicPartition(incarnation, partition), offset): n for incarnation, partition, offset, n in rows}


def explain_findings(findings: Iterable[OffsetFinding]) -> Iterator[str]:
    """Yield lines for a person: each finding, and the commits around each of its ranges."""
    for finding in findings:
        yield str(finding)
        log = delta_log.read_log(finding.table.path, finding.table.archive, finding.table.prefix)
        for gap in finding.ranges:
            yield f"  around {format_ranges([gap])}:"
            yield from (f"    {line}" for line in delta_log.describe_gap(log, finding.topic_partition, gap))
