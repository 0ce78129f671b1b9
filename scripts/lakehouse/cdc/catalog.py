"""Which table lies where, and what its own log tells: made, found and measured in milliseconds, without a JVM."""

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
# Bronze is written many times a second, and its log is kept by whoever writes it (upkeep.py). A checkpoint that Spark
# makes held a commit up for 3 s. Each commit lists the log, whose past nobody reads: it took 0.25 s beside 100 files,
# 0.6 s beside 10,000, 5 s beside 100,000; Delta itself forgets by whole days.
BRONZE_PROPERTIES = {
    "delta.appendOnly": "true",
    "delta.checkpointInterval": "1000000",
    "delta.logRetentionDuration": "interval 10 minutes",
    "delta.enableExpiredLogCleanup": "false",
}

# Silver's tables tell which rows came and went since a version, so that a figure reads those alone.
CHANGE_FEED_PROPERTIES = {"delta.enableChangeDataFeed": "true"}

# The application whose transactions fill gaps, in the terms of Delta's log: its versions count them.
REFILL_APP_ID = "lakehouse.refill"
REFILLS_MERGED_PROPERTY = "cdc.refillsMerged"

# Commits that a refresh writes rows with; those that change none, and how many of them are looked past.
ROW_COUNT_METRICS: Mapping[str, Sequence[str]] = {  # with what their metrics call rows
    "WRITE": ("numOutputRows",),
    "MERGE": ("numTargetRowsInserted", "numTargetRowsUpdated", "numTargetRowsDeleted"),
}
MAINTENANCE_OPERATIONS = ("OPTIMIZE", "VACUUM START", "VACUUM END")
HISTORY_LOOKBACK = 20
# A file is removed by its own age, and is written before its commit.
MAX_WRITE_TO_COMMIT_MS = 3_600_000  # milliseconds at most


@dataclass(frozen=True)
class Catalog:
    """The tables under one root: a folder, or a URI that Delta knows."""

    root: str

    def path(self, layer: str, name: str) -> str:
        return f"{self.root}/{layer}/{name}"

    def lake_id(self) -> str:
        """Give what names this lake, wherever it is reached: the id of its quarantine, made where there is none."""
        self.create_quarantine()
        return self.table_id("silver", "quarantine")

    def table_id(self, layer: str, name: str) -> str:
        """Give the table's id: another one when it is deleted and made again, and its versions begin anew."""
        return str(self._delta_table(layer, name).metadata().id)

    def exists(self, layer: str, name: str) -> bool:
        return DeltaTable.is_deltatable(self.path(layer, name))

    def is_empty(self, layer: str, name: str) -> bool:
        """Say whether the table has no file, and so no row."""
        return not self._delta_table(layer, name).file_uris()

    def properties(self, layer: str, name: str) -> Mapping[str, str]:
        return self._delta_table(layer, name).metadata().configuration

    def set_properties(self, layer: str, name: str, properties: Mapping[str, str]) -> None:
        self._delta_table(layer, name).alter.set_table_properties(dict(properties), raise_if_not_exists=False)

    def row_count(self, layer: str, name: str) -> int:
        """Give how many rows the table has, from its files' statistics."""
        return sum(_column(self._delta_table(layer, name).get_add_actions(flatten=True), "num_records"))

    def last_data_version(self, layer: str, name: str) -> int:
        """Give the number of the last commit that changed rows, or of the last one where it lies too far back."""
        table = self._delta_table(layer, name)
        return int((_last_data_commit(table) or {"version": table.version()})["version"])

    def rows_written_per_commit(self, layer: str, name: str, since: int) -> list[int]:
        """Give how many rows each commit that wrote some after a version has added, changed or deleted."""
        return [
            _rows_written(one)
            for one in _commits_after(self._delta_table(layer, name), since)
            if one["operation"] in ROW_COUNT_METRICS
        ]

    def provenance(self, layer: str, name: str) -> str | None:
        """Give what the table's rows were made of, as their commit says; None where that is not known any more."""
        return (_last_data_commit(self._delta_table(layer, name)) or {}).get("userMetadata")

    def has_complete_change_feed(self, layer: str, name: str, since: int) -> bool:
        """Say whether the table's change feed is whole after a version: no commit and no file of it is gone."""
        commits = _commits_after(self._delta_table(layer, name), since)
        if not commits or commits[-1]["version"] != since + 1:
            return False
        return all(_preserves_change_feed(one, commits[-1]["timestamp"]) for one in commits)

    def partition_columns(self, layer: str, name: str) -> list[str]:
        return list(self._delta_table(layer, name).metadata().partition_columns)

    def has_columns(self, layer: str, name: str, columns: schemas.Columns) -> bool:
        """Say whether the table has these columns, in this order and of these types."""
        return self._delta_table(layer, name).schema() == _schema(columns)

    def query_one(self, query: str, **sources: tuple[str, str]) -> Mapping[str, Any]:
        """Give the one row of a query over small tables, each named (layer, name); no JVM plans it."""
        found = self._query(query, **sources)
        return {name: _column(found, name)[0] for name in found.schema.names}

    def offset_ranges(self, layer: str, name: str, column_prefix: str) -> list[OffsetRange]:
        """Return each file's lane, its smallest and largest offset and its number of rows, from the statistics.

        `prefix` stands before the columns' names: "" in Bronze, "_" in Silver. LakehouseError where a file has no
        statistics. The tables are laid out by lane, so that a file holds one.
        """
        files = self._delta_table(layer, name).get_add_actions(flatten=True)
        partition_columns = (f"partition.{column_prefix}incarnation", f"partition.{column_prefix}partition")
        stats_columns = (f"min.{column_prefix}offset", f"max.{column_prefix}offset", "num_records")
        rows = zip(*(_column(files, column) for column in (*partition_columns, *stats_columns)), strict=True)
        ranges = [OffsetRange(TopicPartition(incarnation, number), *found) for incarnation, number, *found in rows]
        if any(None in one for one in ranges):
            raise LakehouseError(
                f"{layer}/{name} has a file without statistics, so how far it has come cannot be told. "
                f"Something else wrote it; restore the table, or drop it and let it be read anew."
            )
        return ranges

    def offset_gaps(self, name: str, offset_range: OffsetRange) -> list[tuple[int, int]]:
        """Return the offsets that Bronze lacks in a stretch of a lane, as (first, last), by reading the others."""
        found = self._query(
            f"""
            SELECT first, last FROM (
                SELECT "offset" + 1 AS first, LEAD("offset") OVER (ORDER BY "offset") - 1 AS last FROM stored
                WHERE incarnation = {offset_range.topic_partition.incarnation} AND "partition" = {offset_range.topic_partition.partition}
                  AND "offset" BETWEEN {offset_range.first} AND {offset_range.last}
            ) WHERE last >= first
            """,  # noqa: S608 - of names and numbers of our own
            stored=("bronze", name),
        )
        return [*zip(_column(found, "first"), _column(found, "last"), strict=True)]

    def refill_count(self, contract: Contract) -> int:
        """Return how often gaps of the Bronze table were filled: that many transactions of REFILL are in its log."""
        return self._delta_table("bronze", contract.table).transaction_version(REFILL_APP_ID) or 0

    def merged_refill_count(self, contract: Contract) -> int:
        """Return how many of Bronze's refills there had been when the table's Silver was last begun from nothing."""
        return int(self.properties("silver", f"{contract.table}_versions").get(REFILLS_MERGED_PROPERTY, 0))

    def set_merged_refill_count(self, contract: Contract, count: int) -> None:
        self.set_properties("silver", f"{contract.table}_versions", {REFILLS_MERGED_PROPERTY: str(count)})

    def bronze_offsets(self, contract: Contract) -> Offsets:
        """Give how far Bronze has come, from its files' statistics."""
        return self._max_offsets("bronze", contract.table, column_prefix="")

    def kafka_timestamps(
        self, contract: Contract, incarnation: int, offsets: Mapping[int, int]
    ) -> Mapping[int, int | None]:
        """Return when Bronze's messages at an offset of each partition were produced, in milliseconds; of few rows."""
        predicate = " OR ".join(
            f'("partition" = {number} AND "offset" = {offset})' for number, offset in offsets.items()
        )
        found = self._query(
            f"""
            SELECT "partition", CAST(kafka_timestamp AS BIGINT) / 1000 AS produced_at FROM stored
            WHERE incarnation = {incarnation} AND ({predicate})
            """,  # noqa: S608 - of names and numbers of our own
            stored=("bronze", contract.table),
        )
        return dict(zip(_column(found, "partition"), _column(found, "produced_at"), strict=True))

    def silver_offsets(self, contract: Contract) -> Offsets:
        """Give how far Silver has come: the versions, written last, hold a row for every message."""
        return self._max_offsets("silver", f"{contract.table}_versions", column_prefix="_")

    def max_lsn(self, contract: Contract) -> int:
        """Give the last place in Postgres's log that Bronze holds a change of; 0 without any."""
        lsns = _column(self._delta_table("bronze", contract.table).get_add_actions(flatten=True), "max.lsn")
        return max((lsn for lsn in lsns if lsn is not None), default=0)

    def max_commit_lsn(self, contract: Contract) -> int | None:
        """Give the last commit that a merged change followed, or a later place in Postgres's log; None without any."""
        files = self._delta_table("silver", f"{contract.table}_versions").get_add_actions(flatten=True)
        commits, lsns = _column(files, "max._commit_seq"), _column(files, "max._lsn")
        # Rows of a first snapshot have no commit; they stand where the snapshot does.
        without_nulls = (count == 0 for count in _column(files, "null_count._commit_seq"))
        max_lsns = [
            commit if is_without_nulls else max(commit or 0, lsn or 0)
            for commit, lsn, is_without_nulls in zip(commits, lsns, without_nulls, strict=True)
        ]
        return max(max_lsns, default=None)

    def min_commit_lsn(self, contracts: Iterable[Contract]) -> int | None:
        """Give the first commit that a streamed change of any of them followed; None where none was streamed yet."""
        delta_tables = (self._delta_table("silver", f"{contract.table}_versions") for contract in contracts)
        min_lsns = (
            one
            for delta_table in delta_tables
            for one in _column(delta_table.get_add_actions(flatten=True), "min._commit_seq")
        )
        return min((one for one in min_lsns if one is not None), default=None)

    def may_contain_key_range(self, contract: Contract, min_key: Any, max_key: Any) -> bool:
        """Say whether a file of the current rows may have a key from first to last, of the key's first column."""
        files, key = self._delta_table("silver", contract.table).get_add_actions(flatten=True), contract.key[0]
        ranges = zip(_column(files, f"min.{key}"), _column(files, f"max.{key}"), strict=True)
        return any(low is None or high is None or (low <= max_key and high >= min_key) for low, high in ranges)

    def has_open_quarantine(self, contract: Contract) -> bool:
        """Say whether quarantine may hold an entry of this table that is not closed."""
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
        """Make the current rows' table and the versions'."""
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
        """Make a table, empty, where there is none.

        Its log keeps smallest and largest values of the columns `measured`, and of no other: with all of them a write
        of many columns took six times as long, and names and salaries stood in the log.
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
                f"{layer}/{name} could not be made in {self.root}: {innermost_cause(error)}. "
                "Its disk needs room, your right to write, and hard links (exFAT and some network shares have none). "
                "Mend that, or name another folder in LAKE_URI."
            ) from error

    def add_columns(self, layer: str, name: str, columns: schemas.Columns) -> None:
        """Add those of the columns that the table does not have yet, NULL in each row that is there."""
        table = self._delta_table(layer, name)
        existing = {field.name for field in table.schema().fields}
        if missing := [field for field in _schema(columns).fields if field.name not in existing]:
            table.alter.add_columns(missing)

    def _delta_table(self, layer: str, name: str) -> DeltaTable:
        return DeltaTable(self.path(layer, name))

    def _query(self, query: str, **sources: tuple[str, str]) -> Any:
        """Return what a query over tables, each named (layer, name), finds; no JVM plans it."""
        builder = QueryBuilder()
        for alias, (layer, name) in sources.items():
            builder.register(alias, self._delta_table(layer, name))
        return builder.execute(query).read_all()

    def _max_offsets(self, layer: str, name: str, column_prefix: str) -> Offsets:
        """Return the last offset of each lane."""
        max_offsets: dict[TopicPartition, int] = {}
        for offset_range in self.offset_ranges(layer, name, column_prefix):
            max_offsets[offset_range.topic_partition] = max(
                offset_range.last, max_offsets.get(offset_range.topic_partition, -1)
            )
        return max_offsets


def _last_data_commit(table: DeltaTable) -> Mapping[str, Any] | None:
    """Give the last commit that is more than upkeep."""
    return next(
        (one for one in table.history(HISTORY_LOOKBACK) if one["operation"] not in MAINTENANCE_OPERATIONS), None
    )


def _commits_after(table: DeltaTable, version: int) -> list[Mapping[str, Any]]:
    """Give the commits after a version that the log still has, the last one first."""
    return [one for one in table.history(max(1, table.version() - version)) if one["version"] > version]


def _rows_written(commit: Mapping[str, Any]) -> int:
    metrics = commit.get("operationMetrics") or {}
    return sum(int(metrics.get(name, 0)) for name in ROW_COUNT_METRICS[commit["operation"]])


def _preserves_change_feed(commit: Mapping[str, Any], first_commit_ms: int) -> bool:
    """Say whether a commit leaves the change feed whole from one that was made at `first`, in milliseconds."""
    parameters = commit.get("operationParameters", {})
    if commit["operation"] == "VACUUM START":
        retention_ms = parameters.get("specifiedRetentionMillis")  # what others vacuum may not say it
        return retention_ms is not None and bool(
            commit["timestamp"] - int(retention_ms) <= first_commit_ms - MAX_WRITE_TO_COMMIT_MS
        )
    return commit["operation"] in (*MAINTENANCE_OPERATIONS, "MERGE") or (
        commit["operation"],
        parameters.get("mode"),
    ) == ("WRITE", "Append")


def innermost_cause(error: Exception) -> str:
    """Return the last of the causes that delta-rs lists: by lines with coloured arrows, or by colons in one line."""
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
