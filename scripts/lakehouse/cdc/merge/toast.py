"""TOASTed values: a change omits those that it did not modify, and they are filled from the row's earlier changes.

A row lives from its insert to its delete. A key change is a delete and an insert in one WAL record. Omitted values of
the row under the new key are those under the old key.
"""

from collections.abc import Callable
from functools import reduce

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from lakehouse.cdc.contract import Contract
from lakehouse.cdc.merge.envelope import DELETE, INSERT, UPSERT_OPS
from lakehouse.cdc.merge.ordering import with_commit_order
from lakehouse.cdc.merge.validation import NOT_TRANSMITTED_PREFIX
from lakehouse.cdc.schemas import LINEAGE_COLUMNS

WAL_RECORD_ID = ("_incarnation", "_tx_id", "_lsn")


def keys_to_look_up(changes: DataFrame, versions: DataFrame, contract: Contract, *, keys_changed: bool) -> DataFrame:
    """Return the keys whose history has the omitted values: the changes' own and, after key changes, the old ones."""
    key = [*contract.key]
    toasted = changes.where(F.size("_unchanged") > 0)
    own_keys = toasted.select(*key)
    if not keys_changed:
        return own_keys.distinct()
    inserts = F.broadcast(toasted.where(F.col("_op") == INSERT).select(*WAL_RECORD_ID))
    deletes = (
        rows.where(F.col("_op") == DELETE).join(inserts, [*WAL_RECORD_ID], "semi") for rows in (changes, versions)
    )
    return reduce(DataFrame.union, (rows.select(*key) for rows in deletes), own_keys).distinct()


def fill_from_history(changes: DataFrame, previous: DataFrame, contract: Contract) -> DataFrame:
    """Fill omitted values from the row's earlier changes, in the batch or in the `previous` versions.

    Values of refused versions count, too, since Postgres had them. Columns that stay unknown stay in `_unchanged`.
    """
    with_history = _with_history(changes, previous, contract)
    running_window = Window.partitionBy(*contract.key).orderBy("_order")
    last_known = {name: F.last(_known_value(name), ignorenulls=True).over(running_window) for name in contract.columns}
    filled = {
        name: F.when(_is_toasted(name), F.col(f"_told_{name}")["value"]).otherwise(F.col(name))
        for name in contract.columns
    }
    return (
        with_history.withColumns({f"_told_{name}": known for name, known in last_known.items()})
        .where("_new")
        .withColumns({**filled, "_unchanged": _still_unknown(contract, lambda name: F.col(f"_told_{name}")["known"])})
        .select(*changes.columns)
    )


def fill_across_key_change(changes: DataFrame, previous: DataFrame, contract: Contract) -> DataFrame:
    """Fill omitted values of rows under a new key with those known under the old key."""
    before = Window.partitionBy(*contract.key).orderBy("_order").rowsBetween(Window.unboundedPreceding, -1)
    row = F.when(F.col("_op").isNotNull(), F.struct("_op", "_unchanged", *contract.columns))
    deleted = (
        _with_history(changes, previous, contract)
        .withColumn("_held", F.last(row, ignorenulls=True).over(before))
        .where(F.col("_op") == DELETE)
    )
    # A redelivered key change deletes twice, and only before the first delete was the row there.
    last_rows = (
        deleted.where(F.col("_held._op").isin(*UPSERT_OPS))
        .groupBy(*WAL_RECORD_ID)
        .agg(F.min_by("_held", "_order").alias("_held"))
    )
    is_key_change = F.col("_held").isNotNull() & (F.col("_op") == INSERT)

    def is_known(name: str) -> Column:
        return is_key_change & ~F.array_contains("_held._unchanged", name)

    filled = {
        name: F.when(_is_toasted(name) & is_known(name), F.col(f"_held.{name}")).otherwise(F.col(name))
        for name in contract.columns
    }
    return (
        changes.join(last_rows, [*WAL_RECORD_ID], "left")
        .withColumns({**filled, "_unchanged": _still_unknown(contract, is_known)})
        .select(*changes.columns)
    )


def _with_history(changes: DataFrame, previous: DataFrame, contract: Contract) -> DataFrame:
    """Return the changes (`_new` is true) and the previous versions as one history, in order."""
    unknown = F.array_compact(
        F.array(
            *(F.when(F.array_contains("_reasons", NOT_TRANSMITTED_PREFIX + name), name) for name in contract.columns)
        )
    )
    previous_changes = previous.select(
        *LINEAGE_COLUMNS, *contract.columns, unknown.alias("_unchanged"), F.lit(False).alias("_new")
    )
    both = changes.withColumn("_new", F.lit(True)).unionByName(previous_changes, allowMissingColumns=True)
    return with_commit_order(both, contract.key)


def _known_value(name: str) -> Column:
    """Return what a change reveals of a column: its value, that it is unknown at insert or delete, or NULL."""
    value = F.struct(F.lit(True).alias("known"), F.col(name).alias("value"))
    unknown = F.struct(F.lit(False).alias("known"), F.lit(None).alias("value"))
    return F.when(F.col("_op").isin(*UPSERT_OPS) & ~_is_toasted(name), value).when(
        F.col("_op").isin(DELETE, INSERT), unknown
    )


def _still_unknown(contract: Contract, is_known: Callable[[str], Column]) -> Column:
    """Return the names of the columns whose omitted value stays unknown."""
    return F.array_compact(
        F.array(
            *(F.when(_is_toasted(name) & ~F.coalesce(is_known(name), F.lit(False)), name) for name in contract.columns)
        )
    )


def _is_toasted(name: str) -> Column:
    return F.array_contains("_unchanged", name)
