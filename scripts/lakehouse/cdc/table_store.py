"""The Delta tables under one root: their paths, their creation, their schemas, properties and ids, without a JVM."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from deltalake import DeltaTable, Field, Schema
from deltalake.schema import ArrayType, PrimitiveType

from lakehouse.cdc import schemas
from lakehouse.cdc.contract import Contract
from lakehouse.cdc.lake_format import ensure_format
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


@dataclass(frozen=True)
class TableStore:
    """The tables under one root: a folder, or a URI that Delta supports."""

    root: str

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
        """Return the lake's id, the same from every path: the id of its quarantine, created where there is none."""
        self._create_quarantine()
        return self.table_id("silver", "quarantine")

    def properties(self, layer: str, name: str) -> Mapping[str, str]:
        return self.delta_table(layer, name).metadata().configuration

    def set_properties(self, layer: str, name: str, properties: Mapping[str, str]) -> None:
        self.delta_table(layer, name).alter.set_table_properties(dict(properties), raise_if_not_exists=False)

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
            table.alter.add_columns(missing)

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

    def create_bronze(self, contract: Contract, properties: Mapping[str, str]) -> None:
        self.create(
            "bronze",
            contract.table,
            schemas.BRONZE,
            partition_by=("incarnation", "partition"),
            stats_columns=("offset", "lsn", "last_commit_lsn"),
            properties={**BRONZE_PROPERTIES, **properties},
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
