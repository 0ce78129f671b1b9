"""The engine's pure part, fed batch by batch without a lake; what it says to write is kept here."""

from collections import defaultdict
from collections.abc import Iterable
from typing import Any

from pyspark.sql import SparkSession

from lakehouse.cdc import tables
from lakehouse.cdc.changes import net, read
from lakehouse.cdc.completion import completed, computed, needs_more
from lakehouse.cdc.examine import examine
from lakehouse.cdc.quarantine import closings, entries
from lakehouse.cdc.stale import told_before
from spark.columns import ddl
from spark.messages import SHOES, Change

BRONZE, VERSIONS = ddl(tables.BRONZE), ddl(tables.versions(SHOES))


class Engine:
    """What the lake would hold: the rows by key, the versions, and what was refused."""

    def __init__(self, spark: SparkSession) -> None:
        self.spark = spark
        self.versions = spark.createDataFrame([], VERSIONS)
        self.ends: defaultdict[int, int] = defaultdict(int)
        self.silver: dict[int, tuple[int, str]] = {}
        self.refused: list[dict[str, Any]] = []

    def take(self, *batch: Change) -> None:
        """Take the changes in, in the order of their offsets, which rise in each partition."""
        messages = self.spark.createDataFrame([*self._rows(batch)], BRONZE)
        changes = computed(told_before(read(messages, SHOES), self.versions, SHOES))
        facts = examine(changes, SHOES)
        if needs_more(facts, begun=True):
            changes = completed(changes, facts, self.versions, SHOES)
        for row in net(changes, SHOES).collect():
            self.silver.pop(row.id, None)
            if row._op != "d":
                self.silver[row.id] = (row["size"], row.note)
        closed = {row.key: row.closed_by for row in closings(changes, SHOES).collect()}
        for entry in self.refused:
            entry["closed_by"] = entry["closed_by"] or closed.get(entry["key"])
        self.refused += [row.asDict() for row in entries(changes, SHOES).collect()]
        self.versions = computed(self.versions.unionByName(changes.select(*tables.versions(SHOES))))

    def _rows(self, batch: Iterable[Change]) -> Iterable[tuple[Any, ...]]:
        for change in batch:
            yield change.row(self.ends[change.partition])
            self.ends[change.partition] += 1
