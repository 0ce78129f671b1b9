"""Implicit deletes: rows that a TRUNCATE removes, and rows that a complete initial snapshot no longer contains.

An interrupted initial snapshot is repeated from the beginning, and Debezium sends no delete for rows deleted in
between. Once a snapshot is complete, rows that only older messages contain are therefore gone. Other snapshots
(incremental, blocking) may be partial and imply no deletes. Their rows have a commit LSN, rows of an initial snapshot
have none.
"""

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from lakehouse.cdc.contract import Contract
from lakehouse.cdc.merge.envelope import DELETE, TRUNCATE, UPSERT_OPS, empty_string_array
from lakehouse.cdc.merge.ordering import is_after, with_commit_order
from lakehouse.cdc.schemas import LINEAGE_COLUMNS


def add_implicit_deletes(changes: DataFrame, versions: DataFrame, contract: Contract) -> DataFrame:
    """Add a delete for each implicitly deleted row, with the lineage of the change that deletes it.

    The rows are those of the batch and of the earlier `versions`.
    """
    key = [*contract.key]
    deleting_changes = changes.where(implies_deletes()).agg(
        F.collect_list(F.struct("_order", *LINEAGE_COLUMNS, initial_snapshot_lsn().alias("_snapshot"))).alias("_sweeps")
    )
    known = (
        changes.select(*LINEAGE_COLUMNS, *key).unionByName(versions.select(*LINEAGE_COLUMNS, *key)).dropna(subset=key)
    )
    key_window = Window.partitionBy(*key).orderBy("_order")
    ordered = with_commit_order(known.where(F.col("_op").isNotNull()), key)
    rows = ordered.withColumns({"_next": F.lead("_order").over(key_window), "_snapshot": initial_snapshot_lsn()})
    candidates = (
        rows.where(F.col("_op").isin(*UPSERT_OPS))
        .crossJoin(F.broadcast(deleting_changes))
        .withColumn("_by", _first_deleting_change_after())
    )
    deleted = candidates.where(F.col("_next").isNull() | is_after(F.col("_next"), F.col("_by._order")))
    lineage = (F.col(f"_by.{name}").alias(name) for name in LINEAGE_COLUMNS if name != "_op")
    arrays = (
        empty_string_array().alias(name) for name in ("_reasons", "_unchanged", "_beyond", "_misfits", "_missing")
    )
    deletes = deleted.where(F.col("_by").isNotNull()).select(
        F.lit(DELETE).alias("_op"), *lineage, "_by._order", *key, *arrays, F.lit(False).alias("_ends_snapshot")
    )
    # The deleting changes stay: every message has a row in the versions.
    return changes.unionByName(deletes, allowMissingColumns=True)


def implies_deletes() -> Column:
    """Return whether a change implies deletes: it is a TRUNCATE, or the end of an initial snapshot."""
    return (F.col("_op") == TRUNCATE) | (F.col("_ends_snapshot") & initial_snapshot_lsn().isNotNull())


def initial_snapshot_lsn() -> Column:
    """Return the LSN of the initial snapshot that a row belongs to, which identifies it; NULL for other changes."""
    return F.when((F.col("_op") == "r") & F.col("_commit_seq").isNull(), F.col("_lsn"))


def _first_deleting_change_after() -> Column:
    """Return the first change after a row that deletes it; a snapshot does not delete its own rows."""
    own_snapshot = F.coalesce(F.col("_snapshot"), F.lit(-1))
    return F.array_min(
        F.filter(
            "_sweeps",
            lambda change: is_after(change["_order"], F.col("_order")) & ~change["_snapshot"].eqNullSafe(own_snapshot),
        )
    )
