"""Validation of typed changes, and the latest one per key: pure functions, whose result no batch boundary affects."""

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
    """Return Bronze's messages as typed changes: validated, ordered, with duplicates of the batch blanked."""
    return mark_duplicates_in_batch(
        with_commit_order(validate(decode(messages, contract), contract), contract.key), contract
    )


def validate(changes: DataFrame, contract: Contract) -> DataFrame:
    """Add `_reasons`, empty where a change is accepted. Set `_value` to NULL except for refused changes."""
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
        # Of the lineage, a rule may use `committed_at` only.
        changes.withColumn("committed_at", F.col("_committed_at"))
        .withColumn("_reasons", verdict)
        .withColumn("_value", F.when(F.size("_reasons") > 0, F.col("_value")))
        .drop("committed_at")
    )


def latest_per_key(changes: DataFrame, contract: Contract) -> DataFrame:
    """Return the latest effective change of each key, with Silver's columns: an upsert, or a delete (`_op` = d).

    A key whose changes since its last delete were all refused has that delete. Without a delete in the batch it has
    no change, and its row in Silver stays.
    """
    row = F.struct(*LINEAGE_COLUMNS, *contract.columns)
    last = changes.where(is_effective()).groupBy(*contract.key).agg(F.max_by(row, "_order").alias("row"))
    return last.select("row.*")


def is_effective() -> Column:
    """Return whether a change determines Silver's row of its key: it is accepted, or a delete."""
    return (F.col("_op") == DELETE) | (_is_upsert() & (F.size("_reasons") == 0))


def _with_reason(names: str, reason: str) -> Column:
    """Return the reason with each of the names; nearly always there is none, and nothing is computed."""
    reasons = F.transform(names, lambda name: F.concat(F.lit(reason), name))
    return F.when(F.size(names) > 0, reasons).otherwise(empty_string_array())


def _is_upsert() -> Column:
    return F.col("_op").isin(*UPSERT_OPS)
