"""The pure functions of the merge, run batch by batch without a lake; their results are collected in memory."""

import sys
from collections import defaultdict
from collections.abc import Iterable
from typing import Any

from pyspark.sql import SparkSession

from lakehouse.cdc import schemas
from lakehouse.cdc.merge.batch import MergedState
from lakehouse.cdc.merge.deduplication import mark_already_merged
from lakehouse.cdc.merge.implicit_deletes import add_implicit_deletes
from lakehouse.cdc.merge.quarantine import entries, resolutions
from lakehouse.cdc.merge.silver import read_batch
from lakehouse.cdc.merge.toast import fill_toasted
from lakehouse.cdc.merge.validation import latest_per_key
from lakehouse.cdc.offsets import TopicPartition
from lakehouse.spark.materialize import materialize
from spark.columns import to_ddl
from spark.messages import SHOES, Change

BRONZE_DDL, VERSIONS_DDL = to_ddl(schemas.BRONZE), to_ddl(schemas.versions(SHOES))


class InMemoryEngine:
    """The lake's state after the batches so far: Silver's rows by key, the versions and the quarantine."""

    def __init__(self, spark: SparkSession) -> None:
        self.spark = spark
        self.versions = spark.createDataFrame([], VERSIONS_DDL)
        self.next_offsets: defaultdict[int, int] = defaultdict(int)
        self.silver: dict[int, tuple[int, str]] = {}
        self.quarantined: list[dict[str, Any]] = []

    def apply_batch(self, *batch: Change) -> None:
        """Merge one batch; offsets follow the order of its changes within each partition."""
        messages = self.spark.createDataFrame([*self._to_bronze_rows(batch)], BRONZE_DDL)
        # Each batch is compared with the versions, whatever its LSNs are.
        merged = MergedState({TopicPartition(0, 0): 0}, sys.maxsize, lambda: self.versions)
        new = mark_already_merged(read_batch(messages, SHOES), merged)
        complete = fill_toasted(add_implicit_deletes(new, merged), merged)
        changes = complete.changes
        for row in latest_per_key(complete).collect():
            self.silver.pop(row.id, None)
            if row["_op"] != "d":
                self.silver[row.id] = (row["size"], row.note)
        resolution_by_key = {row.key: row.resolution for row in resolutions(changes, SHOES).collect()}
        for entry in self.quarantined:
            entry["resolution"] = entry["resolution"] or resolution_by_key.get(entry["key"])
        self.quarantined += [row.asDict() for row in entries(changes, SHOES).collect()]
        self.versions = materialize(self.versions.unionByName(changes.select(*schemas.versions(SHOES))))

    def _to_bronze_rows(self, batch: Iterable[Change]) -> Iterable[tuple[Any, ...]]:
        for change in batch:
            yield change.to_bronze_row(self.next_offsets[change.partition])
            self.next_offsets[change.partition] += 1
