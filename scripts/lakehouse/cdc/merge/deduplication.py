"""What reaches back: changes that Debezium sends again after a crash, and those that come late in another lane."""

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from lakehouse.cdc.contract import Contract
from lakehouse.cdc.merge.envelope import DUPLICATE, STREAMED_OPS, empty_string_array
from lakehouse.cdc.merge.implicit_deletes import implies_deletes
from lakehouse.cdc.merge.ordering import with_commit_order
from lakehouse.cdc.schemas import LINEAGE_COLUMNS

# A change that is sent again is the same row of the same record of Postgres's log. The moment tells apart what an
# older Postgres, restored, writes over the numbers that it gave before.
EVENT_ID = ("_op", "_tx_id", "_lsn", "_committed_at")


def mark_duplicates_in_batch(changes: DataFrame, contract: Contract) -> DataFrame:
    """Silence each change that came earlier in the batch."""
    same_event = Window.partitionBy(*contract.key, *EVENT_ID).orderBy("_order")
    return _blank_duplicates(
        changes.withColumn("_again", _is_streamed() & (F.row_number().over(same_event) > 1)), contract
    )


def mark_already_merged(changes: DataFrame, versions: DataFrame, contract: Contract) -> DataFrame:
    """Silence each change that the versions hold already."""
    known = versions.where(_is_streamed()).select(*contract.key, *EVENT_ID).distinct().alias("known")
    same_event = F.lit(True)
    for name in (*contract.key, *EVENT_ID):
        same_event = same_event & F.col(f"change.{name}").eqNullSafe(F.col(f"known.{name}"))
    joined = changes.alias("change").join(known, same_event, "left")
    return _blank_duplicates(joined.select("change.*", F.col("known._tx_id").isNotNull().alias("_again")), contract)


def has_late_arrivals(changes: DataFrame, versions: DataFrame, contract: Contract) -> bool:
    """Say whether a change comes before one that the versions hold of its key, or sweeps rows that they hold."""
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
    """Say whether a change was streamed: snapshots are read again and again, and each time is news."""
    return F.coalesce(F.col("_op").isin(*STREAMED_OPS) & F.col("_tx_id").isNotNull(), F.lit(False))


def _blank_duplicates(changes: DataFrame, contract: Contract) -> DataFrame:
    """Leave of the changes told `_again` only that they came: no key, no values, no reasons."""
    is_duplicate = F.col("_again")
    blanked_values = {name: F.when(~is_duplicate, F.col(name)) for name in ("_value", *contract.columns)}
    emptied_arrays = {
        name: F.when(is_duplicate, empty_string_array()).otherwise(F.col(name)) for name in ("_reasons", "_unchanged")
    }
    op = F.when(is_duplicate, DUPLICATE).otherwise(F.col("_op"))
    return changes.withColumns({**blanked_values, **emptied_arrays, "_op": op}).drop("_again")
