"""The Delta tables under one root: their paths, their creation, their schemas, properties and ids, without a JVM."""

import json
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from uuid import uuid4

from deltalake import CommitProperties, DeltaTable, Field, Schema
from deltalake.schema import ArrayType, PrimitiveType

from lakehouse.cdc import schemas
from lakehouse.cdc.commit_intents import CommitIntent, CommitLedger
from lakehouse.cdc.contract import Contract
from lakehouse.cdc.lake_format import ensure_format
from lakehouse.cdc.lake_identity import read_or_create_lake_id
from lakehouse.errors import LakehouseError

STATS_COLUMNS_PROPERTY = "delta.dataSkippingStatsColumns"
DELTA_TYPE_NAMES = {"int": "integer", "bigint": "long"}
DISK_HINT = (
    "Its disk needs free space, write permission for you, and hard links (exFAT and some network shares have none). "
    "Fix that, or name another folder in LAKE_URI."
)
# Bronze gets many commits a second, and its writer maintains the log (maintenance.py): a checkpoint by Spark delayed a
# commit by 3 s. Each commit lists the log, which took 0.25 s with 100 files, 0.6 s with 10,000 and 5 s with 100,000.
# Nobody reads Bronze's old versions, and Delta's own log cleanup works by whole days.
APPEND_ONLY_PROPERTY = "delta.appendOnly"
BRONZE_PROPERTIES = {
    APPEND_ONLY_PROPERTY: "true",
    "delta.checkpointInterval": "1000000",
    "delta.logRetentionDuration": "interval 10 minutes",
    "delta.enableExpiredLogCleanup": "false",
}
# The change feed lists the rows of Silver that changed since a version, so that a figure reads those alone.
CHANGE_FEED_PROPERTIES = {"delta.enableChangeDataFeed": "true"}
LAKE_ID_TABLE = ("silver", "quarantine")
# A commit, or a checkpoint of several: what precedes its commit has another ending.
LOG_FILE = re.compile(r"(\d{20})(\.json|\.checkpoint.*\.parquet)")


@dataclass(frozen=True)
class TableStore:
    """The tables under one root: a folder, or a URI that Delta supports.

    Each commit is noted in the ledger first. A store without one is for reading, and for tests.
    """

    root: str
    ledger: CommitLedger | None = None

    def path(self, layer: str, name: str) -> str:
        return f"{self.root}/{layer}/{name}"

    def delta_table(self, layer: str, name: str) -> DeltaTable:
        """Return the table's latest version, as delta-rs reads it from the log in milliseconds."""
        return DeltaTable(self.path(layer, name))

    def exists(self, layer: str, name: str) -> bool:
        return DeltaTable.is_deltatable(self.path(layer, name))

    def table_id(self, layer: str, name: str) -> str:
        """Return the table's id; a table that was deleted and created again has another one, and versions from 0."""
        return str(self.delta_table(layer, name).metadata().id)

    def lake_id(self) -> str:
        """Return the lake's id, the same from every path, created where there is none.

        A lake behind a URI has no file of its own: its id is that of its quarantine.
        """
        if "://" in self.root:
            self.create_quarantine()
            return self.table_id("silver", "quarantine")
        try:
            ensure_format(self.root)
            return read_or_create_lake_id(Path(self.root))
        except OSError as error:
            raise LakehouseError(f"{self.root} could not be written: {error.strerror}. {DISK_HINT}") from error

    def latest_version(self, layer: str, name: str) -> int:
        """Return the table's last version, -1 where there is no table; on a local disk from the log's file names."""
        if "://" in self.root:
            return self.delta_table(layer, name).version() if self.exists(layer, name) else -1
        log = Path(self.path(layer, name), "_delta_log")
        if not log.is_dir():
            return -1
        with os.scandir(log) as files:
            matches = (LOG_FILE.fullmatch(file.name) for file in files)
            return max((int(match[1]) for match in matches if match), default=-1)

    def note_commit(self, layer: str, name: str, token: str) -> None:
        """Note the intent of the table's next commit, which carries this token. Raises where that fails."""
        if self.ledger is not None:
            has_lake_id = "://" not in self.root or (layer, name) != LAKE_ID_TABLE or self.exists(layer, name)
            lake_id = self._noted_lake_id if has_lake_id else ""
            after_version = self.latest_version(layer, name)
            self.ledger.note(CommitIntent(lake_id, f"{layer}/{name}", after_version, token))

    def begin_commit(self, layer: str, name: str) -> CommitProperties:
        """Note the intent of a commit by delta-rs, and return the properties by which the commit carries its token."""
        token = uuid4().hex
        self.note_commit(layer, name, token)
        return CommitProperties(custom_metadata={"userMetadata": json.dumps({"token": token})})

    @cached_property
    def _noted_lake_id(self) -> str:
        return self.lake_id()

    def properties(self, layer: str, name: str) -> Mapping[str, str]:
        return self.delta_table(layer, name).metadata().configuration

    def set_properties(self, layer: str, name: str, properties: Mapping[str, str]) -> None:
        table, commit = self.delta_table(layer, name), self.begin_commit(layer, name)
        table.alter.set_table_properties(dict(properties), raise_if_not_exists=False, commit_properties=commit)

    def partition_columns(self, layer: str, name: str) -> list[str]:
        return list(self.delta_table(layer, name).metadata().partition_columns)

    def has_columns(self, layer: str, name: str, columns: schemas.Columns) -> bool:
        """Return whether the table has exactly these columns, in this order and with these types."""
        return self.delta_table(layer, name).schema() == _schema(columns)

    def add_columns(self, layer: str, name: str, columns: schemas.Columns) -> None:
        """Add the columns that the table lacks; its existing rows have NULL in them."""
        table = self.delta_table(layer, name)
        existing = {field.name for field in table.schema().fields}
        if missing := [field for field in _schema(columns).fields if field.name not in existing]:
            table.alter.add_columns(missing, commit_properties=self.begin_commit(layer, name))

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
            ensure_format(self.root)
            if self.exists(layer, name):
                return
            DeltaTable.create(
                self.path(layer, name),
                schema=_schema(columns),
                mode="ignore",
                partition_by=[*partition_by],
                configuration={**statistics, **(properties or {})},
                raise_if_key_not_exists=False,
                commit_properties=self.begin_commit(layer, name),
            )
        except OSError as error:
            raise LakehouseError(
                f"{layer}/{name} could not be created in {self.root}: {innermost_cause(error)}. {DISK_HINT}"
            ) from error

    def create_bronze(self, contract: Contract, properties: Mapping[str, str]) -> None:
        self.create(
            "bronze",
            contract.table,
            schemas.BRONZE,
            partition_by=("incarnation", "partition"),
            stats_columns=("offset", "lsn", "last_commit_lsn"),
            properties={**BRONZE_PROPERTIES, **properties},
        )
        # A repair that was killed leaves it otherwise.
        if self.properties("bronze", contract.table).get(APPEND_ONLY_PROPERTY) != "true":
            self.set_append_only("bronze", contract.table, True)

    def set_append_only(self, layer: str, name: str, append_only: bool) -> None:
        """Set whether Delta refuses each commit that removes rows of the table."""
        self.set_properties(layer, name, {APPEND_ONLY_PROPERTY: str(append_only).lower()})

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
        self.create(
            "silver",
            f"{contract.table}_versions",
            schemas.versions(contract),
            partition_by=("_incarnation", "_partition"),
            stats_columns=("_offset", "_lsn", "_last_commit_lsn"),
        )

    def create_quarantine(self) -> None:
        """Create the quarantine, or add the columns that an earlier version of this package did not have."""
        self._create_quarantine()
        self.add_columns("silver", "quarantine", schemas.QUARANTINE)

    def _create_quarantine(self) -> None:
        self.create(
            "silver",
            "quarantine",
            schemas.QUARANTINE,
            partition_by=("table_name",),
            stats_columns=("offset", "resolved_at"),
        )


def innermost_cause(error: Exception) -> str:
    """Return the innermost cause in an error of delta-rs, which lists causes on lines or after colons in one line."""
    line = str(error).strip().splitlines()[-1].rpartition("\x1b[0m")[2].strip()
    return line.rpartition(": ")[2] if "os error" in line else line


def _schema(columns: schemas.Columns) -> Schema:
    return Schema([Field(name, _delta_type(sql_type), nullable=True) for name, sql_type in columns.items()])


def _delta_type(sql_type: str) -> PrimitiveType | ArrayType:
    if sql_type.startswith("array<"):
        return ArrayType(_delta_type(sql_type[len("array<") : -1]), contains_null=True)
    return PrimitiveType(DELTA_TYPE_NAMES.get(sql_type, sql_type))
