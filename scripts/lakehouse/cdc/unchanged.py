"""Values that a change left out, because they are TOASTed and it did not touch them: they are what the row had before.

A row lives from its insert to its delete, and a changed key is a delete and an insert of one record of Postgres's
log: the new key's row goes on with what the old key's had.
"""

from collections.abc import Callable
from functools import reduce

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from lakehouse.cdc.changes import UNKNOWN
from lakehouse.cdc.contract import Contract
from lakehouse.cdc.envelope import DELETE, INSERT, UPSERTS
from lakehouse.cdc.order import ranked
from lakehouse.cdc.tables import ORIGIN

RECORD = ("_incarnation", "_tx_id", "_lsn")


def keys_to_know(changes: DataFrame, versions: DataFrame, contract: Contract, *, moved: bool) -> DataFrame:
    """Give the keys whose past tells what the changes left out: their own and, where rows moved, their old ones."""
    key = [*contract.key]
    incomplete = changes.where(F.size("_unchanged") > 0)
    own = incomplete.select(*key)
    if not moved:
        return own.distinct()
    inserts = F.broadcast(incomplete.where(F.col("_op") == INSERT).select(*RECORD))
    deletes = (rows.where(F.col("_op") == DELETE).join(inserts, [*RECORD], "semi") for rows in (changes, versions))
    return reduce(DataFrame.union, (each.select(*key) for each in deletes), own).distinct()


def carry(changes: DataFrame, previous: DataFrame, contract: Contract) -> DataFrame:
    """Fill what was left out from the row's changes before, of the batch or of `previous` versions.

    A refused version's values count too: they are what Postgres held. What nothing tells stays in `_unchanged`.
    """
    together = _together(changes, previous, contract)
    so_far = Window.partitionBy(*contract.key).orderBy("_order")
    told = {name: F.last(_tells(name), ignorenulls=True).over(so_far) for name in contract.columns}
    filled = {
        name: F.when(_left_out(name), F.col(f"_told_{name}")["value"]).otherwise(F.col(name))
        for name in contract.columns
    }
    return (
        together.withColumns({f"_told_{name}": known for name, known in told.items()})
        .where("_new")
        .withColumns({**filled, "_unchanged": _still(contract, lambda name: F.col(f"_told_{name}")["known"])})
        .select(*changes.columns)
    )


def follow(changes: DataFrame, previous: DataFrame, contract: Contract) -> DataFrame:
    """Fill what was left out of the rows under a new key with what was known of them under the old one."""
    before = Window.partitionBy(*contract.key).orderBy("_order").rowsBetween(Window.unboundedPreceding, -1)
    row = F.when(F.col("_op").isNotNull(), F.struct("_op", "_unchanged", *contract.columns))
    left = (
        _together(changes, previous, contract)
        .withColumn("_held", F.last(row, ignorenulls=True).over(before))
        .where(F.col("_op") == DELETE)
    )
    # What Debezium sent twice is deleted twice, and was there the first time.
    held = (
        left.where(F.col("_held._op").isin(*UPSERTS)).groupBy(*RECORD).agg(F.min_by("_held", "_order").alias("_held"))
    )
    moved = F.col("_held").isNotNull() & (F.col("_op") == INSERT)

    def known(name: str) -> Column:
        return moved & ~F.array_contains("_held._unchanged", name)

    filled = {
        name: F.when(_left_out(name) & known(name), F.col(f"_held.{name}")).otherwise(F.col(name))
        for name in contract.columns
    }
    return (
        changes.join(held, [*RECORD], "left")
        .withColumns({**filled, "_unchanged": _still(contract, known)})
        .select(*changes.columns)
    )


def _together(changes: DataFrame, previous: DataFrame, contract: Contract) -> DataFrame:
    unknown = F.array_compact(
        F.array(*(F.when(F.array_contains("_reasons", UNKNOWN + name), name) for name in contract.columns))
    )
    past = previous.select(*ORIGIN, *contract.columns, unknown.alias("_unchanged"), F.lit(False).alias("_new"))
    both = changes.withColumn("_new", F.lit(True)).unionByName(past, allowMissingColumns=True)
    return ranked(both, contract.key)


def _tells(name: str) -> Column:
    """Give what a change tells of a column: its value, that a life ends or begins with it unknown, or nothing."""
    value = F.struct(F.lit(True).alias("known"), F.col(name).alias("value"))
    unknown = F.struct(F.lit(False).alias("known"), F.lit(None).alias("value"))
    return F.when(F.col("_op").isin(*UPSERTS) & ~_left_out(name), value).when(
        F.col("_op").isin(DELETE, INSERT), unknown
    )


def _still(contract: Contract, known: Callable[[str], Column]) -> Column:
    """Give the columns that stay unknown."""
    return F.array_compact(
        F.array(*(F.when(_left_out(name) & ~F.coalesce(known(name), F.lit(False)), name) for name in contract.columns))
    )


def _left_out(name: str) -> Column:
    return F.array_contains("_unchanged", name)
