"""Deduplication of changes that Debezium redelivers after a crash, and detection of late arrivals."""

from collections.abc import Sequence

from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F

from lakehouse.cdc.contract import Contract
from lakehouse.cdc.merge.batch import Batch, MergedState
from lakehouse.cdc.merge.envelope import DUPLICATE
from lakehouse.cdc.merge.ordering import by_offset, with_commit_order
from lakehouse.cdc.merge.predicates import implies_deletes, is_streamed
from lakehouse.cdc.merge.problems import no_problems
from lakehouse.cdc.merge.validation import no_reasons
from lakehouse.cdc.schemas import LINEAGE_COLUMNS
from lakehouse.spark.literals import lit

# A redelivered change is the same row of the same WAL record. `_committed_at` disambiguates LSNs and transaction ids
# that a Postgres restored from backup reuses.
EVENT_ID = ("_op", "_tx_id", "_lsn", "_committed_at")


def with_may_repeat(changes: DataFrame, key: Sequence[str]) -> DataFrame:
    """Add `_may_repeat`: a streamed change whose LSN is not above those of its key before it, in its partition.

    Such a change may be a duplicate, and any other is none of a change in the same partition.
    """
    highest_before = F.max("_lsn").over(by_offset(key).rowsBetween(Window.unboundedPreceding, -1))
    has_new_lsn = F.coalesce(F.col("_lsn") > highest_before, F.col("_lsn").isNotNull())
    return changes.withColumn("_may_repeat", is_streamed() & ~has_new_lsn)


def mark_duplicates_in_batch(batch: Batch) -> Batch:
    """Blank each change that repeats an earlier one of the batch."""
    if not batch.stats.may_repeat and batch.stats.is_single_partition:
        return batch
    same_event = Window.partitionBy(*batch.contract.key, *EVENT_ID).orderBy("_order")
    is_duplicate = is_streamed() & (F.row_number().over(same_event) > 1)
    marked = batch.changes.withColumn("_is_duplicate", is_duplicate)
    return Batch.compute(batch.contract, _blank_duplicates(marked, batch.contract))


def mark_already_merged(batch: Batch, merged: MergedState) -> Batch:
    """Blank each change that the merged versions already contain."""
    if not merged.overlaps(batch):
        return batch
    # A redelivered change has its original LSN; files with lower LSNs only are not read.
    candidates = merged.versions().where(F.col("_lsn") >= (batch.stats.min_lsn or 0)).where(is_streamed())
    identity = (*batch.contract.key, *EVENT_ID)
    known = candidates.select(*identity).distinct().alias("known")
    same_event = lit(True)
    for name in identity:
        same_event = same_event & F.col(f"change.{name}").eqNullSafe(F.col(f"known.{name}"))
    joined = batch.changes.alias("change").join(known, same_event, "left")
    marked = joined.select("change.*", F.col("known._tx_id").isNotNull().alias("_is_duplicate"))
    return Batch.compute(batch.contract, _blank_duplicates(marked, batch.contract))


def has_late_arrivals(batch: Batch, merged: MergedState) -> bool:
    """Return whether a change precedes a merged version of its key, or may delete merged rows implicitly."""
    if not merged.overlaps(batch):
        return False
    changes, key = batch.changes, [*batch.contract.key]
    order_columns = [*LINEAGE_COLUMNS, *key]
    new_changes = changes.where(F.col("_op").isNotNull()).select(*order_columns, lit(True).alias("_new"))
    merged_changes = (
        merged.versions()
        .join(new_changes.select(*key).distinct(), key, "semi")
        .select(*order_columns, lit(False).alias("_new"))
    )
    first_new = F.min(F.when(F.col("_new"), F.col("_order")))
    last_old = F.max(F.when(~F.col("_new"), F.col("_order")))
    by_key = (
        with_commit_order(new_changes.unionByName(merged_changes), key)
        .groupBy(*key)
        .agg((first_new < last_old).alias("late"))
    )
    return not by_key.where("late").isEmpty() or not changes.where(implies_deletes()).isEmpty()


def _blank_duplicates(changes: DataFrame, contract: Contract) -> DataFrame:
    """Reduce the changes marked by `_is_duplicate` to their lineage, without key, values, problems and reasons."""
    is_duplicate = F.col("_is_duplicate")
    blanked_values = {name: F.when(~is_duplicate, F.col(name)) for name in ("_value", *contract.columns)}
    emptied_arrays = {
        name: F.when(is_duplicate, empty).otherwise(F.col(name))
        for name, empty in (("_reasons", no_reasons()), ("_problems", no_problems()))
    }
    op = F.when(is_duplicate, DUPLICATE).otherwise(F.col("_op"))
    return changes.withColumns({**blanked_values, **emptied_arrays, "_op": op}).drop("_is_duplicate")
