"""Faults planted in a table: an offset that is missing, one that is doubled, or both in one file.

A check that reports no such fault proves nothing where it reports none of the system's own.
"""

import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

from deltalake import DeltaTable, QueryBuilder, write_deltalake

from chaos.offset_checker import CheckedTable, bronze_table, check_table, versions_table
from lakehouse.cdc import table_stats
from lakehouse.cdc.contract import Contract
from lakehouse.cdc.offset_check import find_offset_problems
from lakehouse.cdc.offsets import Duplicate, Gap, TopicPartition
from lakehouse.cdc.table_store import TableStore
from lakehouse.contracts import CAPTURED

MIN_OFFSETS = 4  # a table with fewer has no offset in its middle to lose, and another one to double


@dataclass(frozen=True)
class PlantedFault:
    """The offsets of a topic-partition that are missing afterwards, and those that are doubled."""

    topic_partition: TopicPartition
    missing: int | None = None
    doubled: int | None = None

    def expected_findings(self) -> set[tuple[str, int]]:
        offsets = {"missing": self.missing, "doubled": self.doubled}
        return {(kind, offset) for kind, offset in offsets.items() if offset is not None}


def plant(table: CheckedTable, fault: PlantedFault) -> None:
    """Remove the row of the missing offset, and append that of the doubled one again.

    With both, the table's small files are compacted: in their statistics the two cancel out.
    """
    store = TableStore(str(table.lake))
    is_append_only = store.properties(table.layer, table.name).get("delta.appendOnly") == "true"
    if fault.missing is not None:
        if is_append_only:
            store.set_append_only(table.layer, table.name, False)
        DeltaTable(table.path).delete(_predicate(table, fault.topic_partition, fault.missing))
        if is_append_only:
            store.set_append_only(table.layer, table.name, True)
    if fault.doubled is not None:
        query = f"SELECT * FROM t WHERE {_predicate(table, fault.topic_partition, fault.doubled)}"  # noqa: S608 - ours
        rows = QueryBuilder().register("t", DeltaTable(table.path)).execute(query).read_all()
        write_deltalake(table.path, rows, mode="append")
    if len(fault.expected_findings()) > 1:
        DeltaTable(table.path).optimize.compact()


def find_unreported_faults(lake: Path, contracts: Iterable[Contract] = CAPTURED) -> list[str]:
    """Plant each fault in a copy of each table, and return a line for each one that is not reported.

    Both the product's check and that of the chaos run have to report exactly the planted offsets. Raises ValueError
    where no table has enough offsets.
    """
    unreported: list[str] = []
    planted = 0
    for contract in contracts:
        for checked in (bronze_table(lake, contract), versions_table(lake, contract)):
            for fault in _faults_of(checked):
                planted += 1
                with _copied_tables(lake, contract) as copy:
                    unreported += _unreported(copy, contract, replace(checked, lake=copy), fault)
    if not planted:
        raise ValueError(f"no table of {lake} has {MIN_OFFSETS} offsets")
    return unreported


def reported_by_product(store: TableStore, contract: Contract, table: str, *, read_all: bool) -> set[tuple[str, int]]:
    """Return the offsets that the product's check reports of a table, as layer/name, each with its kind."""
    problems = [one for one in find_offset_problems(store, contract, read_all=read_all) if one.table == table]
    kinds: dict[str, list[Gap | Duplicate]] = {
        "missing": [found for one in problems for found in one.irregularities.gaps],
        "doubled": [found for one in problems for found in one.irregularities.duplicates],
    }
    return {(kind, at) for kind, listed in kinds.items() for found in listed for at in found.offsets}


def _unreported(lake: Path, contract: Contract, table: CheckedTable, fault: PlantedFault) -> Iterator[str]:
    name = f"{table.layer}/{table.name}"
    store = TableStore(str(lake))
    before = reported_by_product(store, contract, name, read_all=True)
    last = table_stats.max_offsets(table_stats.offset_ranges(store, table.layer, table.name, table.prefix))
    plant(table, fault)
    expected = fault.expected_findings()
    if len(expected) == 1 and reported_by_product(store, contract, name, read_all=False) - before != expected:
        yield f"{name}: not reported by its statistics: {fault}"
    if reported_by_product(store, contract, name, read_all=True) - before != expected:
        yield f"{name}: not reported by its offsets: {fault}"
    ranges = {fault.topic_partition: range(last[fault.topic_partition] + 1)}
    found = {(one.kind, at) for one in check_table(table, ranges) for part in one.ranges for at in part}
    if not {one for one in expected if table.unique_offsets or one[0] == "missing"} <= found:
        yield f"{name}: not reported by the chaos run: {fault}"


def _faults_of(table: CheckedTable) -> list[PlantedFault]:
    """Return a gap, a duplicate and both, in the middle of the table's longest topic-partition."""
    store = TableStore(str(table.lake))
    if not store.exists(table.layer, table.name):
        return []
    ranges = table_stats.offset_ranges(store, table.layer, table.name, table.prefix)
    topic_partition, last = max(
        table_stats.max_offsets(ranges).items(), key=lambda item: item[1], default=(TopicPartition(0, 0), -1)
    )
    if last + 1 < MIN_OFFSETS:
        return []
    middle = last // 2
    return [
        PlantedFault(topic_partition, missing=middle),
        PlantedFault(topic_partition, doubled=middle),
        PlantedFault(topic_partition, missing=middle, doubled=middle + 1),
    ]


@contextmanager
def _copied_tables(lake: Path, contract: Contract) -> Iterator[Path]:
    with TemporaryDirectory(prefix="planted-") as folder:
        for table in (bronze_table(lake, contract), versions_table(lake, contract)):
            if table.path.exists():
                shutil.copytree(table.path, Path(folder) / table.layer / table.name)
        yield Path(folder)


def _predicate(table: CheckedTable, topic_partition: TopicPartition, offset: int) -> str:
    values = {"incarnation": topic_partition.incarnation, "partition": topic_partition.partition, "offset": offset}
    return " AND ".join(f'"{table.prefix}{name}" = {value}' for name, value in values.items())
