"""What a batch of changes means: pure functions over typed changes, whatever batches they came in."""

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from lakehouse.cdc.contract import Contract
from lakehouse.cdc.merge.deduplication import mark_duplicates_in_batch
from lakehouse.cdc.merge.envelope import DELETE, UPSERT_OPS, decode, empty_string_array, names_where
from lakehouse.cdc.merge.ordering import with_commit_order
from lakehouse.cdc.schemas import LINEAGE_COLUMNS

UNREADABLE = "message illisible"
OUT_OF_RANGE_PREFIX = "valeur hors limites : "
NOT_TRANSMITTED_PREFIX = "valeur non transmise : "


def parse_changes(messages: DataFrame, contract: Contract) -> DataFrame:
    """Give Bronze's messages as changes: typed, judged, in order, and each told once."""
    return mark_duplicates_in_batch(
        with_commit_order(validate(decode(messages, contract), contract), contract.key), contract
    )


def validate(changes: DataFrame, contract: Contract) -> DataFrame:
    """Add `_reasons`: why a change is refused; empty where it is accepted. Only what is refused keeps its `_value`."""
    broken_rules = F.expr(names_where((rule.message, f"({rule.when})") for rule in contract.rules))
    no_reasons = empty_string_array()
    reasons = F.concat(
        broken_rules,
        _with_reason("_beyond", OUT_OF_RANGE_PREFIX),
        _with_reason("_unchanged", NOT_TRANSMITTED_PREFIX),
    )
    verdict = (
        F.when(F.col("_op").isNull(), F.array(F.lit(UNREADABLE))).when(_is_upsert(), reasons).otherwise(no_reasons)
    )
    return (
        # A rule may ask when its row was committed, and only that.
        changes.withColumn("committed_at", F.col("_committed_at"))
        .withColumn("_reasons", verdict)
        .withColumn("_value", F.when(F.size("_reasons") > 0, F.col("_value")))
        .drop("committed_at")
    )


def latest_per_key(changes: DataFrame, contract: Contract) -> DataFrame:
    """Give at most one change a key, with the silver columns: the row to put, or a delete (`_op` = d).

    A key whose changes were all refused since it was last deleted has no row to put; it is deleted where the batch
    deletes it, and left as it is where it does not.
    """
    row = F.struct(*LINEAGE_COLUMNS, *contract.columns)
    last = changes.where(is_effective()).groupBy(*contract.key).agg(F.max_by(row, "_order").alias("row"))
    return last.select("row.*")


def is_effective() -> Column:
    """Say whether a change decides what Silver holds of its key: it is accepted, or a delete."""
    return (F.col("_op") == DELETE) | (_is_upsert() & (F.size("_reasons") == 0))


def _with_reason(names: str, reason: str) -> Column:
    """Give the reason with each of the names; nearly always there are none, and nothing is computed."""
    reasons = F.transform(names, lambda name: F.concat(F.lit(reason), name))
    return F.when(F.size(names) > 0, reasons).otherwise(empty_string_array())


def _is_upsert() -> Column:
    return F.col("_op").isin(*UPSERT_OPS)
