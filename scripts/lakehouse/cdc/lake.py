"""Spark's access to the lake: everything that the engine reads or writes with Spark goes through here."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from delta.tables import DeltaTable
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from lakehouse.cdc import commit_log, table_stats
from lakehouse.cdc.commit_check import CommitCheck
from lakehouse.cdc.contract import Contract
from lakehouse.cdc.fence import CommitStamps, field_of
from lakehouse.cdc.offsets import Offsets, TopicPartition
from lakehouse.cdc.plain_files import FileEntry, read_plain
from lakehouse.cdc.schemas import Columns
from lakehouse.cdc.table_store import TableStore
from lakehouse.spark.literals import lit
from lakehouse.spark.prefixed_conf import settings_under

# In a job's .conf, before the name of a setting that is for bulk work only.
BULK_CONF_PREFIX = "spark.lakehouse.bulk."
# The userMetadata of a merge or delete, whose API takes no options.
USER_METADATA_CONF = "spark.databricks.delta.commitInfo.userMetadata"


@dataclass(frozen=True)
class Lake:
    """The tables of a store in a Spark session. `pre_commit_check` runs before each commit and raises to prevent it.

    `stamps` names the writer in each commit; without a lease it names none. `session_conf` has the settings that this
    session has and the job's others have not.
    """

    spark: SparkSession
    store: TableStore
    pre_commit_check: Callable[[], None] = field(default=lambda: None)
    stamps: CommitStamps = field(default_factory=CommitStamps)
    session_conf: Mapping[str, str] = field(default_factory=dict)

    def with_bulk_settings(self) -> "Lake":
        """Return the same lake in a new session, with the bulk settings of the job's .conf."""
        bulk = settings_under(BULK_CONF_PREFIX, dict(self.spark.sparkContext.getConf().getAll()))
        return replace(self, spark=self._new_session(bulk), session_conf=bulk)

    def silver(self, contract: Contract) -> DataFrame:
        """Return the table's current rows."""
        return self.read("silver", contract.table)

    def versions(self, contract: Contract) -> DataFrame:
        """Return every change of the table, refused ones included; each message has a row.

        `_op` is NULL where a message could not be decoded, or is a delete of an unknown row. TRUNCATEs and duplicates
        (`duplicate`) have no key. The deletes that a TRUNCATE implies are rows of their own.
        """
        return self.read("silver", f"{contract.table}_versions")

    def quarantine(self) -> DataFrame:
        """Return the refused changes of all tables, with reasons; `resolved_at` is NULL until they are resolved."""
        return self.read("silver", "quarantine")

    def bronze_between(self, contract: Contract, after: Offsets, upto: Offsets) -> DataFrame:
        """Return Bronze's rows after the offsets `after`, up to and including `upto`; reads no other files."""
        predicate = lit(False)
        for topic_partition, end in upto.items():
            in_partition = (F.col("incarnation") == topic_partition.incarnation) & (
                F.col("partition") == topic_partition.partition
            )
            predicate |= in_partition & (F.col("offset") > after.get(topic_partition, -1)) & (F.col("offset") <= end)

        def may_have_some(entry: FileEntry) -> bool:
            place = TopicPartition(entry["partition.incarnation"], entry["partition.partition"])
            first, last = entry.get("min.offset"), entry.get("max.offset")
            if first is None or last is None:
                return True  # another program wrote the file
            return place in upto and bool(last > after.get(place, -1) and first <= upto[place])

        return self.read("bronze", contract.table, keeps=may_have_some).where(predicate)

    def change_feed(self, contract: Contract, since: int) -> DataFrame | None:
        """Return the rows of Silver that changed after version `since`, as Delta's change feed has them.

        `_change_type` is insert or delete, or for an update update_preimage and update_postimage. Returns None where
        the table's log no longer has the complete feed.
        """
        current_version = commit_log.last_data_version(self.store, "silver", contract.table)
        if since == current_version:
            return self.empty_frame({**contract.columns, "_change_type": "string"})
        if not commit_log.has_complete_change_feed(self.store, "silver", contract.table, since):
            return None
        reader = self.spark.read.format("delta").option("readChangeFeed", "true")
        versions = reader.option("startingVersion", since + 1).option("endingVersion", current_version)
        return versions.load(self.store.path("silver", contract.table))

    def read(self, layer: str, name: str, keeps: Callable[[FileEntry], bool] = lambda _: True) -> DataFrame:
        """Return the table's rows as they are now; files that `keeps` does not select may be left out."""
        path = self.store.path(layer, name)
        plain = read_plain(self.spark, path, keeps)
        return self.spark.read.format("delta").load(path) if plain is None else plain

    def read_version(self, layer: str, name: str, version: int) -> DataFrame:
        """Return the rows of an earlier version. Spark raises where its log or its files are gone."""
        return self.spark.read.format("delta").option("versionAsOf", version).load(self.store.path(layer, name))

    def append(self, rows: DataFrame, layer: str, name: str, **options: str) -> str:
        """Append the rows in one commit and return its stamp; `options` are those of Delta's writer."""
        stamp = self._begin_commit(layer, name)
        writer = rows.write.format("delta").mode("append").option("userMetadata", stamp)
        writer.options(**options).save(self.store.path(layer, name))
        return stamp

    def commit_check(self, layer: str, name: str) -> CommitCheck:
        return CommitCheck(self.spark, self.store.path(layer, name))

    def overwrite(self, rows: DataFrame, layer: str, name: str, *, provenance: str = "") -> None:
        """Replace all rows and columns of the table in one commit; a reader sees the old ones or the new, never a mix.

        The commit's stamp stores `provenance`, for commit_log.provenance to return.
        """
        stamp = self._begin_commit(layer, name, **({"provenance": provenance} if provenance else {}))
        schema_matches = self.store.has_columns(layer, name, dict(rows.dtypes))
        # Delta needs a second to find the rows that an overwrite replaces, even where there are none.
        mode = "append" if schema_matches and table_stats.is_empty(self.store, layer, name) else "overwrite"
        writer = rows.write.format("delta").mode(mode).option("overwriteSchema", str(not schema_matches))
        writer.partitionBy(*self.store.partition_columns(layer, name))
        writer.option("userMetadata", stamp).save(self.store.path(layer, name))

    def overwrite_where(self, rows: DataFrame, layer: str, name: str, predicate: str, **options: str) -> None:
        """Replace the rows that match a SQL condition; the new rows all have to match it, too.

        `options` are those of Delta's writer.
        """
        writer = rows.write.format("delta").mode("overwrite").option("replaceWhere", predicate).options(**options)
        writer.option("userMetadata", self._begin_commit(layer, name)).save(self.store.path(layer, name))

    def table(self, layer: str, name: str) -> DeltaTable:
        """Return the table as Delta's API has it, for one merge into it or one delete from it.

        It belongs to a session of its own: these two take their stamp from a session's settings, and tables are merged
        in parallel.
        """
        session = self._new_session({**self.session_conf, USER_METADATA_CONF: self._begin_commit(layer, name)})
        return DeltaTable.forPath(session, self.store.path(layer, name))

    def _begin_commit(self, layer: str, name: str, **fields: str) -> str:
        """Note the intent of the next commit, and return its stamp.

        Raises to prevent the commit where the writer may not write any more, or its intent cannot be noted.
        """
        self.pre_commit_check()
        stamp = self.stamps.next(layer, name, **fields)
        self.store.note_commit(layer, name, field_of(stamp, "token") or "")
        return stamp

    def _new_session(self, session_conf: Mapping[str, str]) -> SparkSession:
        session = self.spark.newSession()
        for name, value in session_conf.items():
            session.conf.set(name, value)
        return session

    def empty_frame(self, columns: Columns) -> DataFrame:
        """Return a frame of these columns without rows; made from a Python list, it would start a Python worker."""
        return self.spark.range(0).select(*(lit(None).cast(kind).alias(name) for name, kind in columns.items()))
