"""A lake with one small table, fed batch by batch."""

from pathlib import Path

from pyspark.sql import SparkSession

from lakehouse.cdc.catalog import Catalog
from lakehouse.cdc.lake import Lake
from lakehouse.cdc.silver import Caught, catch_up
from spark.messages import SHOES, Change, bronze


class Shoes:
    """What arrives in Bronze, what a catch-up takes in, and what Silver then holds."""

    contract = SHOES

    def __init__(self, spark: SparkSession, root: Path) -> None:
        self.catalog = Catalog(str(root))
        self.lake = Lake(spark, self.catalog)
        self.catalog.make_bronze(SHOES, {})
        self.catalog.make_quarantine()
        self.catalog.make_silver(SHOES)
        self.offset = 0

    def arrive(self, *changes: Change) -> None:
        self.lake.append(bronze(self.lake.spark, changes, self.offset), "bronze", SHOES.table)
        self.offset += len(changes)

    def take(self, *changes: Change) -> Caught:
        if changes:
            self.arrive(*changes)
        return catch_up(self.lake, SHOES, self.catalog.taken_in(SHOES))

    def now(self) -> dict[int, int]:
        return {row.id: row["size"] for row in self.lake.silver(SHOES).collect()}

    def refused(self) -> list[tuple[str | None, list[str], str | None]]:
        rows = self.lake.quarantine().orderBy("offset").collect()
        return [(row.key, row.reasons, row.closed_by) for row in rows]
