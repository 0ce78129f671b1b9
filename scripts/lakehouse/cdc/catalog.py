"""The tables of a lake, created and inspected through Delta's logs in milliseconds, without a JVM."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from deltalake import DeltaTable, Field, QueryBuilder, Schema
from deltalake.schema import ArrayType, PrimitiveType

from lakehouse.cdc import schemas
from lakehouse.cdc.contract import Contract
from lakehouse.cdc.offsets import OffsetRange, Offsets, TopicPartition
from lakehouse.errors import LakehouseError

STATS_COLUMNS_PROPERTY = "delta.dataSkippingStatsColumns"
DELTA_TYPE_NAMES = {"int": "integer", "bigint": "long"}
# Bronze gets many commits a second, and its writer maintains the log (maintenance.py): a checkpoint by Spark delayed a
# commit by 3 s. Each commit lists the log, which took 0.25 s with 100 files, 0.6 s with 10,000 and 5 s with 100,000.
# Nobody reads Bronze's old versions, and Delta's own log cleanup works by whole days.
BRONZE_PROPERTIES = {
    "delta.appendOnly": "true",
    "delta.checkpointInterval": "1000000",
    "delta.logRetentionDuration": "interval 10 minutes",
    "delta.enableExpiredLogCleanup": "false",
}

# The change feed lists the rows of Silver that changed since a version, so that a figure reads those alone.
CHANGE_FEED_PROPERTIES = {"delta.enableChangeDataFeed": "true"}

# The application id (`appId` of a `txn` action in Delta's protocol) of the commits that fill gaps; its version counts
# them.
REFILL_APP_ID = "lakehouse.refill"
REFILLS_MERGED_PROPERTY = "cdc.refillsMerged"

# The operations that write rows in a refresh -> the names of their row counts in `operationMetrics`.
ROW_COUNT_METRICS: Mapping[str, Sequence[str]] = {
    "WRITE": ("numOutputRows",),
    "MERGE": ("numTargetRowsInserted", "numTargetRowsUpdated", "numTargetRowsDeleted"),
}
# The operations that change no row.
MAINTENANCE_OPERATIONS = ("OPTIMIZE", "VACUUM START", "VACUUM END")
HISTORY_LOOKBACK = 20  # commits searched for the last one that is no maintenance
# VACUUM goes by a file's own age, and a file is written before its commit.
MAX_WRITE_TO_COMMIT_MS = 3_600_000


@dataclass(frozen=True)
class Catalog:
    """The tables under one root: a folder, or a URI that Delta supports."""

    root: str

    def path(self, layer: str, name: str) -> str:
        return f"{self.root}/{layer}/{name}"

    def lake_id(self) -> str:
        """Return the lake's id, the same from every path: the id of its quarantine, created where there is none."""
        self.create_quarantine()
        return self.table_id("silver", "quarantine")

    def table_id(self, layer: str, name: str) -> str:
        """Return the table's id; a table that was deleted and created again has another one, and versions from 0."""
        return str(self._delta_table(layer, name).metadata().id)

    def exists(self, layer: str, name: str) -> bool:
        return DeltaTable.is_deltatable(self.path(layer, name))

    def is_empty(self, layer: str, name: str) -> bool:
        """Return whether the table has no file, and so no row."""
        return not self._delta_table(layer, name).file_uris()

    def properties(self, layer: str, name: str) -> Mapping[str, str]:
        return self._delta_table(layer, name).metadata().configuration

    def set_properties(self, layer: str, name: str, properties: Mapping[str, str]) -> None:
        self._delta_table(layer, name).alter.set_table_properties(dict(properties), raise_if_not_exists=False)

    def row_count(self, layer: str, name: str) -> int:
        """Return the number of the table's rows, from its files' statistics."""
        return sum(_column(self._delta_table(layer, name).get_add_actions(flatten=True), "num_records"))

    def last_data_version(self, layer: str, name: str) -> int:
        """Return the last version that is no maintenance; the latest one where HISTORY_LOOKBACK versions are."""
        table = self._delta_table(layer, name)
        return int((_last_data_commit(table) or {"version": table.version()})["version"])

    def rows_written_per_commit(self, layer: str, name: str, since: int) -> list[int]:
        """Return the rows inserted, updated and deleted by each data commit after version `since`, newest first."""
        return [
            _rows_written(commit)
            for commit in _commits_after(self._delta_table(layer, name), since)
            if commit["operation"] in ROW_COUNT_METRICS
        ]

    def provenance(self, layer: str, name: str) -> str | None:
        """Return the provenance (userMetadata) of the last commit that is no maintenance; None where it is unknown."""
        return (_last_data_commit(self._delta_table(layer, name)) or {}).get("userMetadata")

    def has_complete_change_feed(self, layer: str, name: str, since: int) -> bool:
        """Return whether the change feed after version `since` is complete: no commit and no file of it was removed."""
        commits = _commits_after(self._delta_table(layer, name), since)
        if not commits or commits[-1]["version"] != since + 1:
            return False
        return all(_preserves_change_feed(commit, commits[-1]["timestamp"]) for commit in commits)

    def partition_columns(self, layer: str, name: str) -> list[str]:
        return list(self._delta_table(layer, name).metadata().partition_columns)

    def has_columns(self, layer: str, name: str, columns: schemas.Columns) -> bool:
        """Return whether the table has exactly these columns, in this order and with these types."""
        return self._delta_table(layer, name).schema() == _schema(columns)

    def query_one(self, query: str, **sources: tuple[str, str]) -> Mapping[str, Any]:
        """Return the first row of a SQL query over small tables, each given as alias=(layer, name); needs no JVM."""
        result = self._query(query, **sources)
        return {name: _column(result, name)[0] for name in result.schema.names}

    def offset_ranges(self, layer: str, name: str, column_prefix: str) -> list[OffsetRange]:
        """Return each file's topic-partition, smallest and largest offset and row count, from its statistics.

        `column_prefix` starts the columns' names: "" in Bronze, "_" in Silver. The tables are partitioned by
        topic-partition, so that a file has rows of one only. Raises LakehouseError where a file has no statistics.
        """
        files = self._delta_table(layer, name).get_add_actions(flatten=True)
        partition_columns = (f"partition.{column_prefix}incarnation", f"partition.{column_prefix}partition")
        stats_columns = (f"min.{column_prefix}offset", f"max.{column_prefix}offset", "num_records")
        rows = zip(*(_column(files, column) for column in (*partition_columns, *stats_columns)), strict=True)
        ranges = [
            OffsetRange(TopicPartition(incarnation, partition), *stats) for incarnation, partition, *stats in rows
        ]
        if any(None in offset_range for offset_range in ranges):
            raise LakehouseError(
                f"{layer}/{name} has a file without statistics, so the table's offsets are unknown. "
                f"Another program wrote it; restore the table, or drop it and let it be read again."
            )
        return ranges

    def offset_gaps(self, name: str, offset_range: OffsetRange) -> list[tuple[int, int]]:
        """Return the gaps within a range of a Bronze table, as (first, last) offsets, by reading the range."""
        incarnation, partition = offset_range.topic_partition
        result = self._query(
            f"""
            SELECT first, last FROM (
                SELECT "offset" + 1 AS first, LEAD("offset") OVER (ORDER BY "offset") - 1 AS last FROM stored
                WHERE incarnation = {incarnation} AND "partition" = {partition}
                  AND "offset" BETWEEN {offset_range.first} AND {offset_range.last}
            ) WHERE last >= first
            """,  # noqa: S608 - of names and numbers of our own
            stored=("bronze", name),
        )
        return [*zip(_column(result, "first"), _column(result, "last"), strict=True)]

    def refill_count(self, contract: Contract) -> int:
        """Return how many commits filled gaps of the Bronze table: the version of REFILL_APP_ID in its log."""
        return self._delta_table("bronze", contract.table).transaction_version(REFILL_APP_ID) or 0

    def merged_refill_count(self, contract: Contract) -> int:
        """Return Bronze's refill count at the last rebuild of the table's Silver."""
        return int(self.properties("silver", f"{contract.table}_versions").get(REFILLS_MERGED_PROPERTY, 0))

    def set_merged_refill_count(self, contract: Contract, count: int) -> None:
        self.set_properties("silver", f"{contract.table}_versions", {REFILLS_MERGED_PROPERTY: str(count)})

    def bronze_offsets(self, contract: Contract) -> Offsets:
        """Return Bronze's last offset of each topic-partition, from its files' statistics."""
        return self._max_offsets("bronze", contract.table, column_prefix="")

    def kafka_timestamps(
        self, contract: Contract, incarnation: int, offsets: Mapping[int, int]
    ) -> Mapping[int, int | None]:
        """Return the Kafka timestamp (ms) of Bronze's message at one offset per partition, by partition.

        Partitions whose message Bronze lacks are left out. Reads few rows.
        """
        predicate = " OR ".join(
            f'("partition" = {partition} AND "offset" = {offset})' for partition, offset in offsets.items()
        )
        result = self._query(
            f"""
            SELECT "partition", CAST(kafka_timestamp AS BIGINT) / 1000 AS produced_at FROM stored
            WHERE incarnation = {incarnation} AND ({predicate})
            """,  # noqa: S608 - of names and numbers of our own
            stored=("bronze", contract.table),
        )
        return dict(zip(_column(result, "partition"), _column(result, "produced_at"), strict=True))

    def silver_offsets(self, contract: Contract) -> Offsets:
        """Return Silver's last merged offsets: those of the versions, which are written last, a row per message."""
        return self._max_offsets("silver", f"{contract.table}_versions", column_prefix="_")

    def max_lsn(self, contract: Contract) -> int:
        """Return the highest LSN of a change in Bronze; 0 where there is none."""
        lsns = _column(self._delta_table("bronze", contract.table).get_add_actions(flatten=True), "max.lsn")
        return max((lsn for lsn in lsns if lsn is not None), default=0)

    def max_commit_lsn(self, contract: Contract) -> int | None:
        """Return the highest commit LSN of the merged changes, or a higher LSN; None where nothing was merged."""
        files = self._delta_table("silver", f"{contract.table}_versions").get_add_actions(flatten=True)
        commits, lsns = _column(files, "max._commit_seq"), _column(files, "max._lsn")
        # Rows of an initial snapshot have no commit LSN: in a file with such rows the snapshot's LSN counts as well.
        without_nulls = (count == 0 for count in _column(files, "null_count._commit_seq"))
        max_lsns = [
            commit if is_without_nulls else max(commit or 0, lsn or 0)
            for commit, lsn, is_without_nulls in zip(commits, lsns, without_nulls, strict=True)
        ]
        return max(max_lsns, default=None)

    def min_commit_lsn(self, contracts: Iterable[Contract]) -> int | None:
        """Return the lowest commit LSN of these tables' streamed changes; None where none was streamed yet."""
        delta_tables = (self._delta_table("silver", f"{contract.table}_versions") for contract in contracts)
        min_lsns = (
            lsn
            for delta_table in delta_tables
            for lsn in _column(delta_table.get_add_actions(flatten=True), "min._commit_seq")
        )
        return min((lsn for lsn in min_lsns if lsn is not None), default=None)

    def may_contain_key_range(self, contract: Contract, min_key: Any, max_key: Any) -> bool:
        """Return whether a file of the current rows may have a value of the first key column in this range."""
        files, key = self._delta_table("silver", contract.table).get_add_actions(flatten=True), contract.key[0]
        ranges = zip(_column(files, f"min.{key}"), _column(files, f"max.{key}"), strict=True)
        return any(low is None or high is None or (low <= max_key and high >= min_key) for low, high in ranges)

    def has_open_quarantine(self, contract: Contract) -> bool:
        """Return whether the quarantine may have an unresolved entry of this table."""
        files = self._delta_table("silver", "quarantine").get_add_actions(flatten=True)
        names, open_counts = _column(files, "partition.table_name"), _column(files, "null_count.closed_at")
        return any(name == contract.table and count != 0 for name, count in zip(names, open_counts, strict=True))

    def create_bronze(self, contract: Contract, properties: Mapping[str, str]) -> None:
        partition_by, stats_columns = ("incarnation", "partition"), ("offset", "lsn", "commit_seq")
        all_properties = {**BRONZE_PROPERTIES, **properties}
        self.create(
            "bronze",
            contract.table,
            schemas.BRONZE,
            partition_by=partition_by,
            stats_columns=stats_columns,
            properties=all_properties,
        )

    def create_silver(self, contract: Contract) -> None:
        """Create the table of current rows and the table of versions."""
        self.create(
            "silver",
            contract.table,
            schemas.silver(contract),
            stats_columns=contract.key,
            properties=CHANGE_FEED_PROPERTIES,
        )
        if CHANGE_FEED_PROPERTIES.items() - self.properties("silver", contract.table).items():
            self.set_properties("silver", contract.table, CHANGE_FEED_PROPERTIES)
        partition_by, stats_columns = ("_incarnation", "_partition"), ("_offset", "_lsn", "_commit_seq")
        self.create(
            "silver",
            f"{contract.table}_versions",
            schemas.versions(contract),
            partition_by=partition_by,
            stats_columns=stats_columns,
        )

    def create_quarantine(self) -> None:
        self.create(
            "silver",
            "quarantine",
            schemas.QUARANTINE,
            partition_by=("table_name",),
            stats_columns=("offset", "closed_at"),
        )

    def create(
        self,
        layer: str,
        name: str,
        columns: schemas.Columns,
        *,
        partition_by: Sequence[str] = (),
        stats_columns: Sequence[str] = (),
        properties: Mapping[str, str] | None = None,
    ) -> None:
        """Create an empty table where there is none.

        Its log has statistics (minimum and maximum) of `stats_columns` only. With statistics of all columns, a write
        of many columns took six times as long. They also put names and salaries into the log.
        """
        statistics = (
            {STATS_COLUMNS_PROPERTY: ",".join(stats_columns)}
            if stats_columns
            else {"delta.dataSkippingNumIndexedCols": "0"}
        )
        try:
            DeltaTable.create(
                self.path(layer, name),
                schema=_schema(columns),
                mode="ignore",
                partition_by=[*partition_by],
                configuration={**statistics, **(properties or {})},
                raise_if_key_not_exists=False,
            )
        except OSError as error:
            raise LakehouseError(
                f"{layer}/{name} could not be created in {self.root}: {innermost_cause(error)}. "
                "Its disk needs free space, write permission for you, and hard links (exFAT and some network shares "
                "have none). Fix that, or name another folder in LAKE_URI."
            ) from error

    def add_columns(self, layer: str, name: str, columns: schemas.Columns) -> None:
        """Add the columns that the table lacks; its existing rows have NULL in them."""
        table = self._delta_table(layer, name)
        existing = {field.name for field in table.schema().fields}
        if missing := [field for field in _schema(columns).fields if field.name not in existing]:
            table.alter.add_columns(missing)

    def _delta_table(self, layer: str, name: str) -> DeltaTable:
        return DeltaTable(self.path(layer, name))

    def _query(self, query: str, **sources: tuple[str, str]) -> Any:
        """Return the result of a SQL query over tables, each given as alias=(layer, name)."""
        builder = QueryBuilder()
        for alias, (layer, name) in sources.items():
            builder.register(alias, self._delta_table(layer, name))
        return builder.execute(query).read_all()

    def _max_offsets(self, layer: str, name: str, column_prefix: str) -> Offsets:
        """Return the last offset of each topic-partition."""
        max_offsets: dict[TopicPartition, int] = {}
        for offset_range in self.offset_ranges(layer, name, column_prefix):
            max_offsets[offset_range.topic_partition] = max(
                offset_range.last, max_offsets.get(offset_range.topic_partition, -1)
            )
        return max_offsets


def _last_data_commit(table: DeltaTable) -> Mapping[str, Any] | None:
    """Return the last commit that is no maintenance; None where HISTORY_LOOKBACK commits are."""
    commits = table.history(HISTORY_LOOKBACK)
    return next((commit for commit in commits if commit["operation"] not in MAINTENANCE_OPERATIONS), None)


def _commits_after(table: DeltaTable, version: int) -> list[Mapping[str, Any]]:
    """Return the commits after a version that the log still has, newest first."""
    return [commit for commit in table.history(max(1, table.version() - version)) if commit["version"] > version]


def _rows_written(commit: Mapping[str, Any]) -> int:
    metrics = commit.get("operationMetrics") or {}
    return sum(int(metrics.get(name, 0)) for name in ROW_COUNT_METRICS[commit["operation"]])


def _preserves_change_feed(commit: Mapping[str, Any], first_commit_ms: int) -> bool:
    """Return whether a commit leaves the change feed since `first_commit_ms` complete."""
    parameters = commit.get("operationParameters", {})
    if commit["operation"] == "VACUUM START":
        retention_ms = parameters.get("specifiedRetentionMillis")  # another program's VACUUM may not record it
        return retention_ms is not None and bool(
            commit["timestamp"] - int(retention_ms) <= first_commit_ms - MAX_WRITE_TO_COMMIT_MS
        )
    return commit["operation"] in (*MAINTENANCE_OPERATIONS, "MERGE") or (
        commit["operation"],
        parameters.get("mode"),
    ) == ("WRITE", "Append")


def innermost_cause(error: Exception) -> str:
    """Return the innermost cause in an error of delta-rs, which lists causes on lines or after colons in one line."""
    line = str(error).strip().splitlines()[-1].rpartition("\x1b[0m")[2].strip()
    return line.rpartition(": ")[2] if "os error" in line else line


def _column(table: Any, name: str) -> list[Any]:
    # A table without files has no statistics, and so no such column.
    return table.column(name).to_pylist() if name in table.schema.names else [None] * table.num_rows


def _schema(columns: schemas.Columns) -> Schema:
    return Schema([Field(name, _delta_type(sql_type), nullable=True) for name, sql_type in columns.items()])


def _delta_type(sql_type: str) -> PrimitiveType | ArrayType:
    if sql_type.startswith("array<"):
        return ArrayType(_delta_type(sql_type[len("array<") : -1]), contains_null=True)
    return PrimitiveType(DELTA_TYPE_NAMES.get(sql_type, sql_type))
