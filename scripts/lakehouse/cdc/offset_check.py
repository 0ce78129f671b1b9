"""Check of law 1: Bronze and Silver's versions have each offset of a topic once, without a look at the topic itself.

By the files' statistics it takes milliseconds per table, more with more files, whatever the number of rows.
Each message has a row in the versions: also one that cannot be decoded, a redelivered one, a TRUNCATE. Only the deletes
that a message implies are more: they have its offset. Their number is stored once their rows were read.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

from lakehouse.cdc import table_query, table_stats
from lakehouse.cdc.acknowledged_gaps import acknowledged_gaps, with_gaps
from lakehouse.cdc.contract import Contract
from lakehouse.cdc.gaps import Irregularities, find_irregularities, subtract
from lakehouse.cdc.offsets import Duplicate, Offsets, TopicPartition
from lakehouse.cdc.table_store import TableStore

# A property of the versions, followed by incarnation and partition: rows that share the offset of a message.
IMPLIED_ROWS_PROPERTY = "cdc.impliedRows."


@dataclass(frozen=True)
class OffsetProblem:
    """A table, as layer/name, whose offsets are not each there once, and the sentences that say what mends it."""

    table: str
    irregularities: Irregularities
    remedy: str

    @property
    def finding(self) -> str:
        """Return which offsets of which partition the table lacks, and which it has more than once."""
        return f"{self.table} {self.irregularities}"

    def __str__(self) -> str:
        return f"{self.finding}. {self.remedy}"


def find_offset_problems(store: TableStore, contract: Contract, *, read_all: bool = False) -> list[OffsetProblem]:
    """Return what Bronze and the versions of a table lack or have more than once, at most one problem each.

    With `read_all` every offset is read: a gap and a duplicate within one file cancel out in its statistics.
    """
    return _check(store, contract, read_all=read_all)[0]


def prove_offsets(store: TableStore, contract: Contract) -> list[OffsetProblem]:
    """Return what `find_offset_problems` does by statistics, and store how many rows of the versions are implied.

    The caller has the refresh's lease.
    """
    problems, versions = _check(store, contract, read_all=False)
    if versions is not None and versions.is_regular:
        _store_implied_rows(store, contract, versions.surplus)
    return problems


def bronze_irregularities(
    store: TableStore, contract: Contract, *, at_least: Offsets | None = None, read_all: bool = False
) -> Irregularities:
    """Return the gaps and duplicates of a Bronze table; it has to reach the offsets `at_least`."""
    return find_irregularities(
        table_stats.offset_ranges(store, "bronze", contract.table, column_prefix=""),
        partial(table_query.read_offsets, store, "bronze", contract.table, ""),
        acknowledged=acknowledged_gaps(store.properties("bronze", contract.table)),
        at_least=at_least or {},
        known_surplus={},
        read_all=read_all,
    )


def _check(
    store: TableStore, contract: Contract, *, read_all: bool
) -> tuple[list[OffsetProblem], Irregularities | None]:
    """Return the problems of both tables, and what was found in the versions, None where there are none yet."""
    if not store.exists("bronze", contract.table):
        return [], None
    name, has_versions = f"{contract.table}_versions", store.exists("silver", f"{contract.table}_versions")
    # Silver first: a refresh may merge meanwhile what a stream appends meanwhile.
    merged = table_stats.offset_ranges(store, "silver", name, column_prefix="_") if has_versions else []
    merged_offsets = table_stats.max_offsets(merged)
    bronze = bronze_irregularities(store, contract, at_least=merged_offsets, read_all=read_all)
    problems = [OffsetProblem(f"bronze/{contract.table}", bronze, contract.hints.repair_bronze)]
    versions = None
    if has_versions:
        versions = find_irregularities(
            merged,
            partial(table_query.read_offsets, store, "silver", name, "_"),
            acknowledged=with_gaps(acknowledged_gaps(store.properties("bronze", contract.table)), bronze.gaps),
            at_least={},
            known_surplus=implied_rows(store.properties("silver", name)),
            read_all=read_all,
        )
        # What is wrong in Bronze is mended there, and Silver follows.
        own = replace(versions, duplicates=_not_in(bronze.duplicates, versions.duplicates))
        problems.append(OffsetProblem(f"silver/{name}", own, contract.hints.rebuild_silver))
    return [problem for problem in problems if not problem.irregularities.is_regular], versions


def implied_rows(properties: Mapping[str, str]) -> Mapping[TopicPartition, int]:
    """Return the number of implied rows by topic-partition, from the properties of a table of versions."""
    return {
        TopicPartition.of_property(name, IMPLIED_ROWS_PROPERTY): int(rows)
        for name, rows in properties.items()
        if name.startswith(IMPLIED_ROWS_PROPERTY)
    }


def _store_implied_rows(store: TableStore, contract: Contract, surplus: Mapping[TopicPartition, int]) -> None:
    """Store the surplus of each topic-partition where it is another one than before."""
    name = f"{contract.table}_versions"
    before = implied_rows(store.properties("silver", name))
    changed = {
        topic_partition.property_name(IMPLIED_ROWS_PROPERTY): str(rows)
        for topic_partition, rows in surplus.items()
        if rows >= 0 and rows != before.get(topic_partition, 0)
    }
    if changed:
        store.set_properties("silver", name, changed)


def _not_in(removed: Sequence[Duplicate], duplicates: Sequence[Duplicate]) -> list[Duplicate]:
    """Return the duplicates at other offsets than the removed ones."""
    left = []
    for one in duplicates:
        known = [other.offsets for other in removed if other.topic_partition == one.topic_partition]
        rest = subtract([one.offsets], known)
        left += [Duplicate(one.topic_partition, part.start, part[-1]) for part in rest]
    return left
