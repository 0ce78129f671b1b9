"""What a batch of changes means: pure functions over typed changes, whatever batches they came in."""

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from lakehouse.cdc.contract import Contract
from lakehouse.cdc.envelope import DELETE, UPSERTS, decode, no_names, those_true
from lakehouse.cdc.order import ranked
from lakehouse.cdc.stale import told_twice
from lakehouse.cdc.tables import ORIGIN

UNREADABLE = "message illisible"
BEYOND = "valeur hors limites : "
UNKNOWN = "valeur non transmise : "


def read(messages: DataFrame, contract: Contract) -> DataFrame:
    """Give Bronze's messages as changes: typed, judged, in order, and each told once."""
    return told_twice(ranked(judge(decode(messages, contract), contract), contract.key), contract)


def judge(changes: DataFrame, contract: Contract) -> DataFrame:
    """Add `_reasons`: why a change is refused; empty where it is accepted. Only what is refused keeps its `_value`."""
    broken = F.expr(those_true((rule.says, f"({rule.when})") for rule in contract.rules))
    nothing = no_names()
    reasons = F.concat(
        broken,
        _each("_beyond", BEYOND),
        _each("_unchanged", UNKNOWN),
    )
    verdict = F.when(F.col("_op").isNull(), F.array(F.lit(UNREADABLE))).when(_upsert(), reasons).otherwise(nothing)
    return (
        # A rule may ask when its row was committed, and only that.
        changes.withColumn("committed_at", F.col("_committed_at"))
        .withColumn("_reasons", verdict)
        .withColumn("_value", F.when(F.size("_reasons") > 0, F.col("_value")))
        .drop("committed_at")
    )


def net(changes: DataFrame, contract: Contract) -> DataFrame:
    """Give at most one change a key, with the silver columns: the row to put, or a delete (`_op` = d).

    A key whose changes were all refused since it was last deleted has no row to put; it is deleted where the batch
    deletes it, and left as it is where it does not.
    """
    row = F.struct(*ORIGIN, *contract.columns)
    last = changes.where(settles()).groupBy(*contract.key).agg(F.max_by(row, "_order").alias("row"))
    return last.select("row.*")


def settles() -> Column:
    """Say whether a change decides what Silver holds of its key: it is accepted, or a delete."""
    return (F.col("_op") == DELETE) | (_upsert() & (F.size("_reasons") == 0))


def _each(names: str, reason: str) -> Column:
    """Give the reason with each of the names; nearly always there are none, and nothing is computed."""
    said = F.transform(names, lambda name: F.concat(F.lit(reason), name))
    return F.when(F.size(names) > 0, said).otherwise(no_names())


def _upsert() -> Column:
    return F.col("_op").isin(*UPSERTS)
