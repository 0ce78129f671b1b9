"""Which table lies where, and what its own log tells: made, found and measured in milliseconds, without a JVM."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from deltalake import DeltaTable, Field, QueryBuilder, Schema
from deltalake.schema import ArrayType, PrimitiveType

from lakehouse.cdc import tables
from lakehouse.cdc.contract import Contract
from lakehouse.cdc.positions import Lane, OffsetRange, Positions
from lakehouse.errors import LakehouseError

MEASURED = "delta.dataSkippingStatsColumns"
DELTA_NAMES = {"int": "integer", "bigint": "long"}
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
FEED = {"delta.enableChangeDataFeed": "true"}

# The application whose transactions fill gaps, in the terms of Delta's log: its versions count them.
REFILL = "lakehouse.refill"
REFILLS_MERGED = "cdc.refillsMerged"

# Commits that a refresh writes rows with; those that change none, and how many of them are looked past.
WRITES: Mapping[str, Sequence[str]] = {  # with what their metrics call rows
    "WRITE": ("numOutputRows",),
    "MERGE": ("numTargetRowsInserted", "numTargetRowsUpdated", "numTargetRowsDeleted"),
}
UPKEEP = ("OPTIMIZE", "VACUUM START", "VACUUM END")
SINCE_MADE = 20
# A file is removed by its own age, and is written before its commit.
WRITTEN_BEFORE = 3_600_000  # milliseconds at most


@dataclass(frozen=True)
class Catalog:
    """The tables under one root: a folder, or a URI that Delta knows."""

    root: str

    def path(self, layer: str, name: str) -> str:
        return f"{self.root}/{layer}/{name}"

    def identity(self) -> str:
        """Give what names this lake, wherever it is reached: the id of its quarantine, made where there is none."""
        self.make_quarantine()
        return self.table_id("silver", "quarantine")

    def table_id(self, layer: str, name: str) -> str:
        """Give the table's id: another one when it is deleted and made again, and its versions begin anew."""
        return str(self._log(layer, name).metadata().id)

    def exists(self, layer: str, name: str) -> bool:
        return DeltaTable.is_deltatable(self.path(layer, name))

    def is_empty(self, layer: str, name: str) -> bool:
        """Say whether the table has no file, and so no row."""
        return not self._log(layer, name).file_uris()

    def properties(self, layer: str, name: str) -> Mapping[str, str]:
        return self._log(layer, name).metadata().configuration

    def set_properties(self, layer: str, name: str, properties: Mapping[str, str]) -> None:
        self._log(layer, name).alter.set_table_properties(dict(properties), raise_if_not_exists=False)

    def rows(self, layer: str, name: str) -> int:
        """Give how many rows the table has, from its files' statistics."""
        return sum(_column(self._log(layer, name).get_add_actions(flatten=True), "num_records"))

    def version(self, layer: str, name: str) -> int:
        """Give the number of the last commit that changed rows, or of the last one where it lies too far back."""
        log = self._log(layer, name)
        return int((_last_of_rows(log) or {"version": log.version()})["version"])

    def written(self, layer: str, name: str, since: int) -> list[int]:
        """Give how many rows each commit that wrote some after a version has added, changed or deleted."""
        return [_rows_of(one) for one in _after(self._log(layer, name), since) if one["operation"] in WRITES]

    def made_of(self, layer: str, name: str) -> str | None:
        """Give what the table's rows were made of, as their commit says; None where that is not known any more."""
        return (_last_of_rows(self._log(layer, name)) or {}).get("userMetadata")

    def has_feed(self, layer: str, name: str, since: int) -> bool:
        """Say whether the table's change feed is whole after a version: no commit and no file of it is gone."""
        commits = _after(self._log(layer, name), since)
        if not commits or commits[-1]["version"] != since + 1:
            return False
        return all(_keeps_feed(one, commits[-1]["timestamp"]) for one in commits)

    def partitioned_by(self, layer: str, name: str) -> list[str]:
        return list(self._log(layer, name).metadata().partition_columns)

    def has_columns(self, layer: str, name: str, columns: tables.Columns) -> bool:
        """Say whether the table has these columns, in this order and of these types."""
        return self._log(layer, name).schema() == _schema(columns)

    def one(self, query: str, **named: tuple[str, str]) -> Mapping[str, Any]:
        """Give the one row of a query over small tables, each named (layer, name); no JVM plans it."""
        found = self._select(query, **named)
        return {name: _column(found, name)[0] for name in found.schema.names}

    def offset_ranges(self, layer: str, name: str, prefix: str) -> list[OffsetRange]:
        """Return each file's lane, its smallest and largest offset and its number of rows, from the statistics.

        `prefix` stands before the columns' names: "" in Bronze, "_" in Silver. LakehouseError where a file has no
        statistics. The tables are laid out by lane, so that a file holds one.
        """
        files = self._log(layer, name).get_add_actions(flatten=True)
        columns = (f"partition.{prefix}incarnation", f"partition.{prefix}partition")
        ends = (f"min.{prefix}offset", f"max.{prefix}offset", "num_records")
        rows = zip(*(_column(files, column) for column in (*columns, *ends)), strict=True)
        ranges = [OffsetRange(Lane(incarnation, number), *found) for incarnation, number, *found in rows]
        if any(None in one for one in ranges):
            raise LakehouseError(
                f"{layer}/{name} has a file without statistics, so how far it has come cannot be told. "
                f"Something else wrote it; restore the table, or drop it and let it be read anew."
            )
        return ranges

    def offset_gaps(self, name: str, stretch: OffsetRange) -> list[tuple[int, int]]:
        """Return the offsets that Bronze lacks in a stretch of a lane, as (first, last), by reading the others."""
        found = self._select(
            f"""
            SELECT first, last FROM (
                SELECT "offset" + 1 AS first, LEAD("offset") OVER (ORDER BY "offset") - 1 AS last FROM stored
                WHERE incarnation = {stretch.lane.incarnation} AND "partition" = {stretch.lane.partition}
                  AND "offset" BETWEEN {stretch.first} AND {stretch.last}
            ) WHERE last >= first
            """,  # noqa: S608 - of names and numbers of our own
            stored=("bronze", name),
        )
        return [*zip(_column(found, "first"), _column(found, "last"), strict=True)]

    def refills(self, contract: Contract) -> int:
        """Return how often gaps of the Bronze table were filled: that many transactions of REFILL are in its log."""
        return self._log("bronze", contract.table).transaction_version(REFILL) or 0

    def refills_merged(self, contract: Contract) -> int:
        """Return how many of Bronze's refills there had been when the table's Silver was last begun from nothing."""
        return int(self.properties("silver", f"{contract.table}_versions").get(REFILLS_MERGED, 0))

    def note_refills_merged(self, contract: Contract, refills: int) -> None:
        self.set_properties("silver", f"{contract.table}_versions", {REFILLS_MERGED: str(refills)})

    def taken_in(self, contract: Contract) -> Positions:
        """Give how far Bronze has come, from its files' statistics."""
        return self._ends("bronze", contract.table, prefix="")

    def kafka_timestamps(
        self, contract: Contract, incarnation: int, offsets: Mapping[int, int]
    ) -> Mapping[int, int | None]:
        """Return when Bronze's messages at an offset of each partition were produced, in milliseconds; of few rows."""
        places = " OR ".join(f'("partition" = {number} AND "offset" = {at})' for number, at in offsets.items())
        found = self._select(
            f"""
            SELECT "partition", CAST(kafka_timestamp AS BIGINT) / 1000 AS produced_at FROM stored
            WHERE incarnation = {incarnation} AND ({places})
            """,  # noqa: S608 - of names and numbers of our own
            stored=("bronze", contract.table),
        )
        return dict(zip(_column(found, "partition"), _column(found, "produced_at"), strict=True))

    def merged(self, contract: Contract) -> Positions:
        """Give how far Silver has come: the versions, written last, hold a row for every message."""
        return self._ends("silver", f"{contract.table}_versions", prefix="_")

    def read_up_to(self, contract: Contract) -> int:
        """Give the last place in Postgres's log that Bronze holds a change of; 0 without any."""
        lsns = _column(self._log("bronze", contract.table).get_add_actions(flatten=True), "max.lsn")
        return max((lsn for lsn in lsns if lsn is not None), default=0)

    def latest_commit(self, contract: Contract) -> int | None:
        """Give the last commit that a merged change followed, or a later place in Postgres's log; None without any."""
        files = self._log("silver", f"{contract.table}_versions").get_add_actions(flatten=True)
        commits, lsns = _column(files, "max._commit_seq"), _column(files, "max._lsn")
        # Rows of a first snapshot have no commit; they stand where the snapshot does.
        whole = (count == 0 for count in _column(files, "null_count._commit_seq"))
        ends = [
            commit if all_have else max(commit or 0, lsn or 0)
            for commit, lsn, all_have in zip(commits, lsns, whole, strict=True)
        ]
        return max(ends, default=None)

    def first_commit(self, contracts: Iterable[Contract]) -> int | None:
        """Give the first commit that a streamed change of any of them followed; None where none was streamed yet."""
        logs = (self._log("silver", f"{contract.table}_versions") for contract in contracts)
        firsts = (one for log in logs for one in _column(log.get_add_actions(flatten=True), "min._commit_seq"))
        return min((one for one in firsts if one is not None), default=None)

    def may_hold(self, contract: Contract, first: Any, last: Any) -> bool:
        """Say whether a file of the current rows may have a key from first to last, of the key's first column."""
        files, key = self._log("silver", contract.table).get_add_actions(flatten=True), contract.key[0]
        ranges = zip(_column(files, f"min.{key}"), _column(files, f"max.{key}"), strict=True)
        return any(low is None or high is None or (low <= last and high >= first) for low, high in ranges)

    def has_open_refusals(self, contract: Contract) -> bool:
        """Say whether quarantine may hold an entry of this table that is not closed."""
        files = self._log("silver", "quarantine").get_add_actions(flatten=True)
        names, open_ones = _column(files, "partition.table_name"), _column(files, "null_count.closed_at")
        return any(name == contract.table and count != 0 for name, count in zip(names, open_ones, strict=True))

    def make_bronze(self, contract: Contract, properties: Mapping[str, str]) -> None:
        lane, measured = ("incarnation", "partition"), ("offset", "lsn", "commit_seq")
        all_of_them = {**BRONZE_PROPERTIES, **properties}
        self.make("bronze", contract.table, tables.BRONZE, by=lane, measured=measured, properties=all_of_them)

    def make_silver(self, contract: Contract) -> None:
        """Make the current rows' table and the versions'."""
        self.make("silver", contract.table, tables.silver(contract), measured=contract.key, properties=FEED)
        if FEED.items() - self.properties("silver", contract.table).items():
            self.set_properties("silver", contract.table, FEED)
        lane, measured = ("_incarnation", "_partition"), ("_offset", "_lsn", "_commit_seq")
        self.make("silver", f"{contract.table}_versions", tables.versions(contract), by=lane, measured=measured)

    def make_quarantine(self) -> None:
        self.make("silver", "quarantine", tables.QUARANTINE, by=("table_name",), measured=("offset", "closed_at"))

    def make(
        self,
        layer: str,
        name: str,
        columns: tables.Columns,
        *,
        by: Sequence[str] = (),
        measured: Sequence[str] = (),
        properties: Mapping[str, str] | None = None,
    ) -> None:
        """Make a table, empty, where there is none.

        Its log keeps smallest and largest values of the columns `measured`, and of no other: with all of them a write
        of many columns took six times as long, and names and salaries stood in the log.
        """
        statistics = {MEASURED: ",".join(measured)} if measured else {"delta.dataSkippingNumIndexedCols": "0"}
        try:
            DeltaTable.create(
                self.path(layer, name),
                schema=_schema(columns),
                mode="ignore",
                partition_by=[*by],
                configuration={**statistics, **(properties or {})},
                raise_if_key_not_exists=False,
            )
        except OSError as error:
            raise LakehouseError(
                f"{layer}/{name} could not be made in {self.root}: {innermost_cause(error)}. "
                "Its disk needs room, your right to write, and hard links (exFAT and some network shares have none). "
                "Mend that, or name another folder in LAKE_URI."
            ) from error

    def add_columns(self, layer: str, name: str, columns: tables.Columns) -> None:
        """Add those of the columns that the table does not have yet, NULL in each row that is there."""
        log = self._log(layer, name)
        there = {field.name for field in log.schema().fields}
        if missing := [field for field in _schema(columns).fields if field.name not in there]:
            log.alter.add_columns(missing)

    def _log(self, layer: str, name: str) -> DeltaTable:
        return DeltaTable(self.path(layer, name))

    def _select(self, query: str, **named: tuple[str, str]) -> Any:
        """Return what a query over tables, each named (layer, name), finds; no JVM plans it."""
        builder = QueryBuilder()
        for alias, (layer, name) in named.items():
            builder.register(alias, self._log(layer, name))
        return builder.execute(query).read_all()

    def _ends(self, layer: str, name: str, prefix: str) -> Positions:
        """Return the last offset of each lane."""
        ends: dict[Lane, int] = {}
        for one in self.offset_ranges(layer, name, prefix):
            ends[one.lane] = max(one.last, ends.get(one.lane, -1))
        return ends


def _last_of_rows(log: DeltaTable) -> Mapping[str, Any] | None:
    """Give the last commit that is more than upkeep."""
    return next((one for one in log.history(SINCE_MADE) if one["operation"] not in UPKEEP), None)


def _after(log: DeltaTable, version: int) -> list[Mapping[str, Any]]:
    """Give the commits after a version that the log still has, the last one first."""
    return [one for one in log.history(max(1, log.version() - version)) if one["version"] > version]


def _rows_of(commit: Mapping[str, Any]) -> int:
    told = commit.get("operationMetrics") or {}
    return sum(int(told.get(name, 0)) for name in WRITES[commit["operation"]])


def _keeps_feed(commit: Mapping[str, Any], first: int) -> bool:
    """Say whether a commit leaves the change feed whole from one that was made at `first`, in milliseconds."""
    told = commit.get("operationParameters", {})
    if commit["operation"] == "VACUUM START":
        kept = told.get("specifiedRetentionMillis")  # what others vacuum may not say it
        return kept is not None and bool(commit["timestamp"] - int(kept) <= first - WRITTEN_BEFORE)
    return commit["operation"] in (*UPKEEP, "MERGE") or (commit["operation"], told.get("mode")) == ("WRITE", "Append")


def innermost_cause(error: Exception) -> str:
    """Return the last of the causes that delta-rs lists: by lines with coloured arrows, or by colons in one line."""
    line = str(error).strip().splitlines()[-1].rpartition("\x1b[0m")[2].strip()
    return line.rpartition(": ")[2] if "os error" in line else line


def _column(files: Any, name: str) -> list[Any]:
    # A table without files has no statistics, and so no such column.
    return files.column(name).to_pylist() if name in files.schema.names else [None] * files.num_rows


def _schema(columns: tables.Columns) -> Schema:
    return Schema([Field(name, _delta_type(sql_type), nullable=True) for name, sql_type in columns.items()])


def _delta_type(sql_type: str) -> PrimitiveType | ArrayType:
    if sql_type.startswith("array<"):
        return ArrayType(_delta_type(sql_type[len("array<") : -1]), contains_null=True)
    return PrimitiveType(DELTA_NAMES.get(sql_type, sql_type))
