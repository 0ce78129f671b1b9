"""What the statistics of a table's files show, without reading a row: row counts, offsets, LSNs, keys."""

from collections.abc import Iterable
from typing import Any

from lakehouse.cdc import table_query
from lakehouse.cdc.contract import Contract
from lakehouse.cdc.offsets import OffsetRange, Offsets, TopicPartition
from lakehouse.cdc.table_store import TableStore


def is_empty(store: TableStore, layer: str, name: str) -> bool:
    """Return whether the table has no file, and so no row."""
    return not store.delta_table(layer, name).file_uris()


def row_count(store: TableStore, layer: str, name: str) -> int:
    """Return the number of the table's rows."""
    return sum(rows for (rows,) in _file_stats(store, layer, name, "num_records"))


def offset_ranges(store: TableStore, layer: str, name: str, column_prefix: str) -> list[OffsetRange]:
    """Return each file's topic-partition, smallest and largest offset and row count.

    `column_prefix` starts the columns' names: "" in Bronze, "_" in Silver. The tables are partitioned by
    topic-partition, so that a file has rows of one only. Where a file has no statistics, since another program wrote
    it, the offsets are read instead: there is then one range per topic-partition.
    """
    partition_columns = (f"partition.{column_prefix}incarnation", f"partition.{column_prefix}partition")
    stats_columns = (f"min.{column_prefix}offset", f"max.{column_prefix}offset", "num_records")
    ranges = [
        OffsetRange(TopicPartition(incarnation, partition), *stats)
        for incarnation, partition, *stats in _file_stats(store, layer, name, *partition_columns, *stats_columns)
    ]
    if any(None in (*topic_partition, *stats) for topic_partition, *stats in ranges):
        return table_query.read_offset_ranges(store, layer, name, column_prefix)
    return ranges


def bronze_offsets(store: TableStore, contract: Contract) -> Offsets:
    """Return Bronze's last offset of each topic-partition."""
    return max_offsets(offset_ranges(store, "bronze", contract.table, column_prefix=""))


def silver_offsets(store: TableStore, contract: Contract) -> Offsets:
    """Return Silver's last merged offsets: those of the versions, which are written last, a row per message."""
    return max_offsets(offset_ranges(store, "silver", f"{contract.table}_versions", column_prefix="_"))


def max_lsn(store: TableStore, contract: Contract) -> int:
    """Return the highest LSN of a change in Bronze; 0 where there is none."""
    lsns = (lsn for (lsn,) in _file_stats(store, "bronze", contract.table, "max.lsn"))
    return max((lsn for lsn in lsns if lsn is not None), default=0)


def max_commit_lsn(store: TableStore, contract: Contract) -> int | None:
    """Return the highest commit LSN of the merged changes, or a higher LSN; None where nothing was merged."""
    columns = ("max._last_commit_lsn", "max._lsn", "null_count._last_commit_lsn")
    # Rows of an initial snapshot have no commit LSN: in a file with such rows the snapshot's LSN counts as well.
    max_lsns = [
        commit_lsn if null_count == 0 else max(commit_lsn or 0, lsn or 0)
        for commit_lsn, lsn, null_count in _file_stats(store, "silver", f"{contract.table}_versions", *columns)
    ]
    return max(max_lsns, default=None)


def max_merged_lsn(store: TableStore, contract: Contract) -> int:
    """Return the highest LSN in Silver's versions, of a change or of the commit before it; 0 where there is none."""
    lsns = _file_stats(store, "silver", f"{contract.table}_versions", "max._lsn", "max._last_commit_lsn")
    return max((lsn for pair in lsns for lsn in pair if lsn is not None), default=0)


def min_commit_lsn(store: TableStore, contracts: Iterable[Contract]) -> int | None:
    """Return the lowest commit LSN of these tables' streamed changes; None where none was streamed yet."""
    min_lsns = (
        lsn
        for contract in contracts
        for (lsn,) in _file_stats(store, "silver", f"{contract.table}_versions", "min._last_commit_lsn")
    )
    return min((lsn for lsn in min_lsns if lsn is not None), default=None)


def may_contain_key_range(store: TableStore, contract: Contract, min_key: Any, max_key: Any) -> bool:
    """Return whether a file of the current rows may have a value of the first key column in this range.

    Spark and delta-rs return instants of different kinds, with and without a zone: of these it may have any.
    """
    key = contract.key[0]
    if contract.columns[key] == "timestamp":
        return True
    ranges = _file_stats(store, "silver", contract.table, f"min.{key}", f"max.{key}")
    return any(low is None or high is None or (low <= max_key and high >= min_key) for low, high in ranges)


def has_open_quarantine(store: TableStore, contract: Contract) -> bool:
    """Return whether the quarantine may have an unresolved entry of this table."""
    stats = _file_stats(store, "silver", "quarantine", "partition.table_name", "null_count.resolved_at")
    return any(name == contract.table and open_count != 0 for name, open_count in stats)


def _file_stats(store: TableStore, layer: str, name: str, *columns: str) -> list[tuple[Any, ...]]:
    """Return the values of these columns for each file of the table, None where a statistic is missing.

    The columns are those of delta-rs's flattened add actions, such as `num_records` or `max.offset`.
    """
    files: Any = store.delta_table(layer, name).get_add_actions(flatten=True)
    # A table without files has no statistics, and so no such column.
    values = (
        files.column(column).to_pylist() if column in files.schema.names else [None] * files.num_rows
        for column in columns
    )
    return [*zip(*values, strict=True)]


def max_offsets(ranges: Iterable[OffsetRange]) -> Offsets:
    """Return the last offset of each topic-partition."""
    max_offsets: dict[TopicPartition, int] = {}
    for offset_range in ranges:
        max_offsets[offset_range.topic_partition] = max(
            offset_range.last, max_offsets.get(offset_range.topic_partition, -1)
        )
    return max_offsets
