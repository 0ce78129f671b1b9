"""Implicit deletes: rows that a TRUNCATE removes, and rows that a complete initial snapshot no longer contains.

An interrupted initial snapshot is repeated from the beginning, and Debezium sends no delete for rows deleted in
between. Once a snapshot is complete, rows that only older messages contain are therefore gone. Other snapshots
(incremental, blocking) may be partial and imply no deletes. Their rows have a commit LSN, rows of an initial snapshot
have none.
"""

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from lakehouse.cdc.contract import Contract
from lakehouse.cdc.merge.batch import Batch, MergedState
from lakehouse.cdc.merge.envelope import DELETE
from lakehouse.cdc.merge.ordering import is_after, with_commit_order
from lakehouse.cdc.merge.predicates import implies_deletes, initial_snapshot_lsn, is_effective_delete, is_upsert
from lakehouse.cdc.merge.problems import no_problems
from lakehouse.cdc.merge.validation import no_reasons
from lakehouse.cdc.schemas import LINEAGE_COLUMNS
from lakehouse.spark.literals import lit


def add_implicit_deletes(batch: Batch, merged: MergedState) -> Batch:
    """Add a delete for each implicitly deleted row, with the lineage of the change that deletes it.

    The rows are those of the batch and of the merged versions. A table's first snapshot alone deletes none.
    """
    stats = batch.stats
    is_first_snapshot = not merged.offsets and stats.initial_snapshots <= 1 and stats.not_initial_snapshot == 0
    if not stats.implicit_deletes or is_first_snapshot:
        return batch
    deletes = _implicit_deletes(batch.changes, merged.versions(), batch.contract)
    # The deleting changes stay: every message has a row in the versions.
    return Batch.compute(batch.contract, batch.changes.unionByName(deletes, allowMissingColumns=True))


def _implicit_deletes(changes: DataFrame, versions: DataFrame, contract: Contract) -> DataFrame:
    """Return the deletes, without the columns of values."""
    key = [*contract.key]
    deleting_changes = changes.where(implies_deletes()).agg(
        F.collect_list(F.struct("_order", *LINEAGE_COLUMNS, initial_snapshot_lsn().alias("_snapshot"))).alias(
            "_deleting_changes"
        )
    )
    columns = [*LINEAGE_COLUMNS, "_reasons", *key]
    known = changes.select(*columns).unionByName(versions.select(*columns)).dropna(subset=key)
    key_window = Window.partitionBy(*key).orderBy("_order")
    # A refused delete has deleted nothing.
    ordered = with_commit_order(known.where((F.col("_op") != DELETE) | is_effective_delete()), key)
    rows = ordered.withColumns({"_next": F.lead("_order").over(key_window), "_snapshot": initial_snapshot_lsn()})
    candidates = (
        rows.where(is_upsert())
        .crossJoin(F.broadcast(deleting_changes))
        .withColumn("_deleting_change", _first_deleting_change_after())
    )
    deleted = candidates.where(F.col("_next").isNull() | is_after(F.col("_next"), F.col("_deleting_change._order")))
    lineage = (F.col(f"_deleting_change.{name}").alias(name) for name in LINEAGE_COLUMNS if name != "_op")
    return deleted.where(F.col("_deleting_change").isNotNull()).select(
        lit(DELETE).alias("_op"),
        *lineage,
        "_deleting_change._order",
        *key,
        no_reasons().alias("_reasons"),
        no_problems().alias("_problems"),
        lit(False).alias("_ends_snapshot"),
    )


def _first_deleting_change_after() -> Column:
    """Return the first change after a row that deletes it; a snapshot does not delete its own rows."""
    own_snapshot = F.coalesce(F.col("_snapshot"), lit(-1))
    return F.array_min(
        F.filter(
            "_deleting_changes",
            lambda change: is_after(change["_order"], F.col("_order")) & ~change["_snapshot"].eqNullSafe(own_snapshot),
        )
    )
