"""The lake as Spark reads and writes it. The only place of the engine that touches its data."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace

from delta.tables import DeltaTable
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from lakehouse.cdc.catalog import Catalog
from lakehouse.cdc.commit_check import CommitCheck
from lakehouse.cdc.contract import Contract
from lakehouse.cdc.offsets import Offsets
from lakehouse.cdc.schemas import Columns

# Before the name of a setting, in a job's .conf: it holds for much work only.
BULK_CONF_PREFIX = "spark.lakehouse.bulk."


@dataclass(frozen=True)
class Lake:
    """A catalog's tables, in a Spark session. `may_commit` is asked before each commit; it raises to prevent it."""

    spark: SparkSession
    catalog: Catalog
    pre_commit_check: Callable[[], None] = field(default=lambda: None)

    def with_bulk_settings(self) -> "Lake":
        """Give the same lake in a session beside this one, with the settings that its .conf has for much work."""
        bulk_session = self.spark.newSession()
        for name, value in self.spark.sparkContext.getConf().getAll():
            if name.startswith(BULK_CONF_PREFIX):
                bulk_session.conf.set(name.removeprefix(BULK_CONF_PREFIX), value)
        return replace(self, spark=bulk_session)

    def silver(self, contract: Contract) -> DataFrame:
        """Give the table as it is now."""
        return self.read("silver", contract.table)

    def versions(self, contract: Contract) -> DataFrame:
        """Give every change the table ever had, the refused ones included.

        `_op` is NULL where a message was unreadable. Without a key are the TRUNCATEs, beside the deletes they meant,
        and what was told before (`again`): every message leaves a trace.
        """
        return self.read("silver", f"{contract.table}_versions")

    def quarantine(self) -> DataFrame:
        """Give what was refused, of all tables, with the reasons; `closed_at` is NULL while it stands."""
        return self.read("silver", "quarantine")

    def bronze_between(self, contract: Contract, after: Offsets, upto: Offsets) -> DataFrame:
        """Give Bronze's rows past `after` and not past `upto`; files outside of it are not read."""
        predicate = F.lit(False)
        for topic_partition, end in upto.items():
            in_partition = (F.col("incarnation") == topic_partition.incarnation) & (
                F.col("partition") == topic_partition.partition
            )
            predicate |= in_partition & (F.col("offset") > after.get(topic_partition, -1)) & (F.col("offset") <= end)
        return self.read("bronze", contract.table).where(predicate)

    def change_feed(self, contract: Contract, since: int) -> DataFrame | None:
        """Give the rows of Silver that came and went after a version of the table, as Delta's change feed has them.

        `_change_type` is insert or delete, or for an update update_preimage and update_postimage. None where the
        table's log does not tell all of it any more.
        """
        path, current_version = (
            self.catalog.path("silver", contract.table),
            self.catalog.last_data_version("silver", contract.table),
        )
        if since == current_version:
            return self._empty_frame({**contract.columns, "_change_type": "string"})
        if not self.catalog.has_complete_change_feed("silver", contract.table, since):
            return None
        reader = self.spark.read.format("delta").option("readChangeFeed", "true")
        return reader.option("startingVersion", since + 1).option("endingVersion", current_version).load(path)

    def read(self, layer: str, name: str) -> DataFrame:
        return self.spark.read.format("delta").load(self.catalog.path(layer, name))

    def append(self, rows: DataFrame, layer: str, name: str, **options: str) -> None:
        """Add the rows in one commit; `options` are those of Delta's writer."""
        self.pre_commit_check()
        rows.write.format("delta").mode("append").options(**options).save(self.catalog.path(layer, name))

    def commit_check(self, layer: str, name: str) -> CommitCheck:
        return CommitCheck(self.spark, self.catalog.path(layer, name))

    def overwrite(self, rows: DataFrame, layer: str, name: str, *, provenance: str) -> None:
        """Put these rows in the place of all; a reader sees the old ones or the new, never a mix.

        What they are `made_of` is kept with them, for the catalog to tell.
        """
        self.pre_commit_check()
        schema_matches = self.catalog.has_columns(layer, name, dict(rows.dtypes))
        # Delta takes a second to look for what an overwrite replaces, also where that is nothing.
        mode = "append" if schema_matches and self.catalog.is_empty(layer, name) else "overwrite"
        writer = rows.write.format("delta").mode(mode).option("overwriteSchema", str(not schema_matches))
        writer.option("userMetadata", provenance).save(self.catalog.path(layer, name))

    def overwrite_where(self, rows: DataFrame, layer: str, name: str, predicate: str) -> None:
        """Put these rows in the place of those that a condition, which they all meet, is true of."""
        self.pre_commit_check()
        writer = rows.write.format("delta").mode("overwrite").option("replaceWhere", predicate)
        writer.save(self.catalog.path(layer, name))

    def truncate(self, layer: str, name: str, columns: Columns) -> None:
        """Leave the table without rows, and with these columns."""
        self.pre_commit_check()
        writer = self._empty_frame(columns).write.format("delta").mode("overwrite").option("overwriteSchema", "true")
        writer.partitionBy(*self.catalog.partition_columns(layer, name)).save(self.catalog.path(layer, name))

    def table(self, layer: str, name: str) -> DeltaTable:
        """Give a table to merge into or delete from."""
        self.pre_commit_check()
        return DeltaTable.forPath(self.spark, self.catalog.path(layer, name))

    def _empty_frame(self, columns: Columns) -> DataFrame:
        """Give no row, with these columns; made of a list in Python, each look at it would start a Python."""
        return self.spark.range(0).select(*(F.lit(None).cast(kind).alias(name) for name, kind in columns.items()))
