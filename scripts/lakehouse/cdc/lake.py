"""The lake: which table lies where, and the few ways in which tables are made, read and written."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql.types import StructType

from lakehouse.cdc import tables
from lakehouse.cdc.contract import Contract
from lakehouse.cdc.positions import Positions, positions

# Bronze is written many times a second: a Delta checkpoint on that path costs over a second, and from 400
# commits without one Delta begins to validate each time.
BRONZE_PROPERTIES = {"delta.appendOnly": "true", "delta.checkpointInterval": "300"}


@dataclass(frozen=True)
class Lake:
    """A lake under one root. The only place of the engine that touches a disk."""

    spark: SparkSession
    root: str

    def path(self, layer: str, name: str) -> str:
        return f"{self.root}/{layer}/{name}"

    def bronze(self, contract: Contract) -> DataFrame:
        return self.read("bronze", contract.table)

    def silver(self, contract: Contract) -> DataFrame:
        """Give the table as it is now."""
        return self.read("silver", contract.table)

    def versions(self, contract: Contract) -> DataFrame:
        """Give every change the table ever had, the refused ones included; `_op` is NULL where it was unreadable."""
        return self.read("silver", f"{contract.table}_versions")

    def quarantine(self) -> DataFrame:
        """Give what was refused, of all tables, with the reasons; `closed_at` is NULL while it stands."""
        return self.read("silver", "quarantine")

    def read(self, layer: str, name: str) -> DataFrame:
        return self.spark.read.format("delta").load(self.path(layer, name))

    def append(self, rows: DataFrame, layer: str, name: str) -> None:
        rows.write.format("delta").mode("append").save(self.path(layer, name))

    def replace(self, rows: DataFrame, layer: str, name: str) -> None:
        """Put these rows in place of all of the table's; readers see the old ones or the new, never a mix."""
        rows.write.format("delta").mode("overwrite").save(self.path(layer, name))

    def taken_in(self, contract: Contract) -> Positions:
        """Give how far Bronze has come."""
        return positions(self.bronze(contract))

    def merged(self, contract: Contract) -> Positions:
        """Give how far Silver has come: the versions, written last, hold one row for every message."""
        return positions(self.versions(contract), prefix="_")

    def make_bronze(self, contract: Contract, properties: Mapping[str, str]) -> None:
        self.make("bronze", contract.table, tables.BRONZE, properties={**BRONZE_PROPERTIES, **properties})

    def make_silver(self, contract: Contract) -> None:
        self.make("silver", contract.table, tables.silver(contract))
        self.make("silver", f"{contract.table}_versions", tables.versions(contract))

    def make_quarantine(self) -> None:
        self.make("silver", "quarantine", tables.QUARANTINE, partitioned_by=("table_name",))

    def make(
        self,
        layer: str,
        name: str,
        columns: str,
        *,
        properties: Mapping[str, str] | None = None,
        partitioned_by: Iterable[str] = (),
        anew: bool = False,
    ) -> None:
        """Make a table, empty, where there is none; `anew` puts an empty one in the place of what is there."""
        verb = "CREATE OR REPLACE TABLE" if anew else "CREATE TABLE IF NOT EXISTS"
        by = ", ".join(partitioned_by)
        pairs = ", ".join(f"'{key}' = '{value}'" for key, value in (properties or {}).items())
        self.spark.sql(
            f"{verb} delta.`{self.path(layer, name)}` ({columns}) USING delta"
            + (f" PARTITIONED BY ({by})" if by else "")
            + (f" TBLPROPERTIES ({pairs})" if pairs else "")
        )

    def properties(self, layer: str, name: str) -> dict[str, str]:
        rows = self.spark.sql(f"SHOW TBLPROPERTIES delta.`{self.path(layer, name)}`").collect()
        return {row.key: row.value for row in rows}

    def has_schema(self, layer: str, name: str, columns: str) -> bool:
        """Say whether the table has these columns, in this order and of these types."""
        wanted = StructType.fromDDL(columns)
        assert isinstance(wanted, StructType)  # noqa: S101 - several columns are a struct
        return [(f.name, f.dataType) for f in self.read(layer, name).schema.fields] == [
            (f.name, f.dataType) for f in wanted.fields
        ]
