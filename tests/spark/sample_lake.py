"""A lake with one small table, fed batch by batch."""

from pathlib import Path

from pyspark.sql import SparkSession

from lakehouse.cdc import table_stats
from lakehouse.cdc.lake import Lake
from lakehouse.cdc.merge.silver import DEFAULT_MERGE_THRESHOLDS, CatchUpResult, MergeThresholds, catch_up
from lakehouse.cdc.table_store import TableStore
from spark.messages import SHOES, Change, to_bronze_frame


class SampleLake:
    """A lake with the table SHOES; offsets continue from batch to batch."""

    contract = SHOES

    def __init__(self, spark: SparkSession, root: Path) -> None:
        self.store = TableStore(str(root))
        self.lake = Lake(spark, self.store)
        self.store.create_bronze(SHOES, {})
        self.store.create_quarantine()
        self.store.create_silver(SHOES)
        self.offset = 0

    def append_to_bronze(self, *changes: Change) -> None:
        self.lake.append(to_bronze_frame(self.lake.spark, changes, self.offset), "bronze", SHOES.table)
        self.offset += len(changes)

    def merge(
        self, *changes: Change, lake: Lake | None = None, thresholds: MergeThresholds = DEFAULT_MERGE_THRESHOLDS
    ) -> CatchUpResult:
        """Append the changes to Bronze, and merge whatever Bronze has that Silver lacks.

        Silver is written through `lake`, where one is given.
        """
        if changes:
            self.append_to_bronze(*changes)
        return catch_up(lake or self.lake, SHOES, table_stats.bronze_offsets(self.store, SHOES), thresholds)

    def silver_sizes(self) -> dict[int, int]:
        return {row.id: row["size"] for row in self.lake.silver(SHOES).collect()}

    def quarantine_entries(self) -> list[tuple[str | None, list[str], str | None]]:
        rows = self.lake.quarantine().orderBy("offset").collect()
        return [(row.key, row.reasons, row.resolution) for row in rows]
