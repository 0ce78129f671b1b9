"""What a batch of changes means: pure functions over typed changes, whatever batches they came in."""

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F
from pyspark.sql.window import WindowSpec

from lakehouse.cdc.contract import Contract
from lakehouse.cdc.envelope import DELETE, TRUNCATE, UPSERTS
from lakehouse.cdc.order import ranked
from lakehouse.cdc.tables import ORIGIN

UNREADABLE = "message illisible"


def judge(changes: DataFrame, contract: Contract) -> DataFrame:
    """Add `_reasons`: why the contract refuses the change; empty where it accepts it."""
    refused_for = [F.when(F.expr(f"({rule.when})"), F.lit(rule.says)) for rule in contract.rules]
    reasons = F.array_compact(F.array(*refused_for)) if refused_for else F.array().cast("array<string>")
    upsert = F.col("_op").isin(*UPSERTS)
    verdict = (
        F.when(F.col("_op").isNull(), F.array(F.lit(UNREADABLE)))
        .when(upsert, reasons)
        .otherwise(F.array().cast("array<string>"))
    )
    # A rule may ask when its row was committed, and only that.
    return (
        changes.withColumn("committed_at", F.col("_committed_at")).withColumn("_reasons", verdict).drop("committed_at")
    )


def carry_unchanged(changes: DataFrame, previous: DataFrame, contract: Contract) -> DataFrame:
    """Fill each value that a change left out with the key's last known one, from `previous` versions or the batch.

    A refused version's values count too: they are what Postgres held.
    """
    columns = list(contract.columns)
    nothing = F.array().cast("array<string>")
    known = previous.select(*ORIGIN, *columns, nothing.alias("_unchanged"), F.lit(False).alias("_new"))
    together = ranked(
        changes.withColumn("_new", F.lit(True)).unionByName(known, allowMissingColumns=True), contract.key
    )
    so_far = Window.partitionBy(*contract.key).orderBy("_order")
    return together.select(
        *(name for name in together.columns if name not in columns),
        *(_last_known(name, so_far).alias(name) for name in columns),
    ).where("_new")


def expand_truncates(changes: DataFrame, present: DataFrame, contract: Contract) -> DataFrame:
    """Put in the place of each TRUNCATE a delete of every key there may be: those of `present` and of the batch."""
    key = list(contract.key)
    truncates = changes.where(F.col("_op") == TRUNCATE).drop(*key)
    others = changes.where(F.col("_op").isNull() | (F.col("_op") != TRUNCATE))
    keys = present.select(*key).union(others.select(*key)).dropna().distinct()
    deletes = truncates.crossJoin(keys).withColumn("_op", F.lit(DELETE))
    # The truncate itself stays, without a key: every message leaves a trace in the versions.
    return changes.unionByName(deletes)


def net(changes: DataFrame, contract: Contract) -> DataFrame:
    """Give at most one change a key, with the silver columns: the row to put, or a delete (`_op` = d).

    A key whose changes were all refused since it was last deleted has no row to put; it is deleted where the batch
    deletes it, and left as it is where it does not.
    """
    accepted = F.col("_op").isin(*UPSERTS) & (F.size("_reasons") == 0)
    deleted = F.col("_op") == DELETE
    row = F.struct(*ORIGIN, *contract.columns)
    last = (
        ranked(changes.where(accepted | deleted), contract.key)
        .groupBy(*contract.key)
        .agg(
            F.max_by(_where(accepted, row), _where(accepted, F.col("_order"))).alias("put"),
            F.max(_where(accepted, F.col("_order"))).alias("put_at"),
            F.max_by(_where(deleted, row), _where(deleted, F.col("_order"))).alias("delete"),
            F.max(_where(deleted, F.col("_order"))).alias("delete_at"),
        )
    )
    stands = F.col("delete_at").isNull() | (F.col("put_at") > F.col("delete_at"))
    return last.select(F.when(stands, F.col("put")).otherwise(F.col("delete")).alias("row")).select("row.*")


def _where(condition: Column, value: Column) -> Column:
    return F.when(condition, value)


def _last_known(name: str, so_far: WindowSpec) -> Column:
    left_out = F.array_contains("_unchanged", name)
    known = F.last(F.when(~left_out, F.struct(F.col(name).alias("value"))), ignorenulls=True).over(so_far)
    return F.when(left_out, known["value"]).otherwise(F.col(name))
