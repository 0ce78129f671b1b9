"""Deduplication of changes that Debezium redelivers after a crash, and detection of late arrivals."""

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from lakehouse.cdc.contract import Contract
from lakehouse.cdc.merge.envelope import DUPLICATE, STREAMED_OPS, empty_string_array
from lakehouse.cdc.merge.implicit_deletes import implies_deletes
from lakehouse.cdc.merge.ordering import with_commit_order
from lakehouse.cdc.schemas import LINEAGE_COLUMNS

# A redelivered change is the same row of the same WAL record. `_committed_at` disambiguates LSNs and transaction ids
# that a Postgres restored from backup reuses.
EVENT_ID = ("_op", "_tx_id", "_lsn", "_committed_at")


def mark_duplicates_in_batch(changes: DataFrame, contract: Contract) -> DataFrame:
    """Blank each change that repeats an earlier one of the batch."""
    same_event = Window.partitionBy(*contract.key, *EVENT_ID).orderBy("_order")
    return _blank_duplicates(
        changes.withColumn("_again", _is_streamed() & (F.row_number().over(same_event) > 1)), contract
    )


def mark_already_merged(changes: DataFrame, versions: DataFrame, contract: Contract) -> DataFrame:
    """Blank each change that the merged versions already contain."""
    known = versions.where(_is_streamed()).select(*contract.key, *EVENT_ID).distinct().alias("known")
    same_event = F.lit(True)
    for name in (*contract.key, *EVENT_ID):
        same_event = same_event & F.col(f"change.{name}").eqNullSafe(F.col(f"known.{name}"))
    joined = changes.alias("change").join(known, same_event, "left")
    return _blank_duplicates(joined.select("change.*", F.col("known._tx_id").isNotNull().alias("_again")), contract)


def has_late_arrivals(changes: DataFrame, versions: DataFrame, contract: Contract) -> bool:
    """Return whether a change precedes a merged version of its key, or may delete merged rows implicitly."""
    key = [*contract.key]
    order_columns = [*LINEAGE_COLUMNS, *key]
    new_changes = changes.where(F.col("_op").isNotNull()).select(*order_columns, F.lit(True).alias("_new"))
    merged_changes = versions.join(new_changes.select(*key).distinct(), key, "semi").select(
        *order_columns, F.lit(False).alias("_new")
    )
    first_new = F.min(F.when(F.col("_new"), F.col("_order")))
    last_old = F.max(F.when(~F.col("_new"), F.col("_order")))
    by_key = (
        with_commit_order(new_changes.unionByName(merged_changes), key)
        .groupBy(*key)
        .agg((first_new < last_old).alias("late"))
    )
    return not by_key.where("late").isEmpty() or not changes.where(implies_deletes()).isEmpty()


def _is_streamed() -> Column:
    """Return whether a change was streamed: snapshot rows repeat on purpose, and are no duplicates."""
    return F.coalesce(F.col("_op").isin(*STREAMED_OPS) & F.col("_tx_id").isNotNull(), F.lit(False))


def _blank_duplicates(changes: DataFrame, contract: Contract) -> DataFrame:
    """Reduce the duplicates (`_again`) to their lineage, without key, values and reasons."""
    is_duplicate = F.col("_again")
    blanked_values = {name: F.when(~is_duplicate, F.col(name)) for name in ("_value", *contract.columns)}
    emptied_arrays = {
        name: F.when(is_duplicate, empty_string_array()).otherwise(F.col(name)) for name in ("_reasons", "_unchanged")
    }
    op = F.when(is_duplicate, DUPLICATE).otherwise(F.col("_op"))
    return changes.withColumns({**blanked_values, **emptied_arrays, "_op": op}).drop("_again")
