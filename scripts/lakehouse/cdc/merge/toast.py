"""TOASTed values: a change omits those that it did not modify, and they are filled from the row's earlier changes.

A row lives from its insert to its delete. A key change is a delete and an insert in one WAL record. Omitted values of
the row under the new key are those under the old key.
"""

from collections.abc import Callable
from functools import reduce

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from lakehouse.cdc.contract import COLUMN_PLACEHOLDER, Contract
from lakehouse.cdc.merge.batch import Batch, MergedState
from lakehouse.cdc.merge.envelope import DELETE, INSERT, UPSERT_OPS
from lakehouse.cdc.merge.ordering import with_commit_order
from lakehouse.cdc.merge.predicates import is_effective_delete, is_upsert
from lakehouse.cdc.merge.problems import TOASTED, has_problem, problem, problems_where
from lakehouse.cdc.merge.validation import sql_literal, validate
from lakehouse.cdc.schemas import LINEAGE_COLUMNS
from lakehouse.spark.literals import lit
from lakehouse.spark.materialize import materialize

WAL_RECORD_ID = ("_incarnation", "_tx_id", "_lsn")


def fill_toasted(batch: Batch, merged: MergedState) -> Batch:
    """Fill the omitted values, and validate the changes again.

    Implicit deletes have to be in the batch: a value from before a delete is not the row's.
    """
    contract, stats = batch.contract, batch.stats
    if not stats.toasted:
        return batch
    versions = merged.versions()
    keys = _keys_to_look_up(batch.changes, versions, contract, keys_changed=stats.key_changes > 0)
    previous = materialize(versions.join(F.broadcast(keys), [*contract.key], "semi"))
    filled, unknown_count = fill_from_history(batch.changes, previous, contract), stats.toasted
    # A row's key may have changed more than once; each round follows one key change.
    while stats.key_changes:
        filled = materialize(fill_from_history(fill_across_key_change(filled, previous, contract), previous, contract))
        still_unknown = filled.where(has_problem(TOASTED)).count()
        if still_unknown in {0, unknown_count}:
            break
        unknown_count = still_unknown
    return Batch.compute(contract, validate(filled, contract))


def fill_from_history(changes: DataFrame, previous: DataFrame, contract: Contract) -> DataFrame:
    """Fill omitted values from the row's earlier changes, in the batch or in the `previous` versions.

    Values of refused versions count, too, since Postgres had them. Columns that stay unknown keep their problem.
    """
    with_history = _with_history(changes, previous, contract)
    running_window = Window.partitionBy(*contract.key).orderBy("_order")
    last_known = {
        f"_last_known_{name}": F.last(_known_value(name), ignorenulls=True).over(running_window)
        for name in contract.columns
    }
    filled = {
        name: F.when(_is_toasted(name), F.col(f"_last_known_{name}")["value"]).otherwise(F.col(name))
        for name in contract.columns
    }
    problems = _without_known(contract, lambda name: F.col(f"_last_known_{name}")["known"])
    return (
        with_history.withColumns(last_known)
        .where("_new")
        .withColumns({**filled, "_problems": problems})
        .select(*changes.columns)
    )


def fill_across_key_change(changes: DataFrame, previous: DataFrame, contract: Contract) -> DataFrame:
    """Fill omitted values of rows under a new key with those known under the old key."""
    before = Window.partitionBy(*contract.key).orderBy("_order").rowsBetween(Window.unboundedPreceding, -1)
    row = F.when(F.col("_op").isNotNull(), F.struct("_op", "_problems", *contract.columns))
    deleted = (
        _with_history(changes, previous, contract)
        .withColumn("_old_row", F.last(row, ignorenulls=True).over(before))
        .where(F.col("_op") == DELETE)
    )
    # A redelivered key change deletes twice, and only before the first delete was the row there.
    old_rows = (
        deleted.where(F.col("_old_row._op").isin(*UPSERT_OPS))
        .groupBy(*WAL_RECORD_ID)
        .agg(F.min_by("_old_row", "_order").alias("_old_row"))
    )
    is_key_change = F.col("_old_row").isNotNull() & (F.col("_op") == INSERT)

    def is_known(name: str) -> Column:
        return is_key_change & ~has_problem(TOASTED, name, "_old_row._problems")

    filled = {
        name: F.when(_is_toasted(name) & is_known(name), F.col(f"_old_row.{name}")).otherwise(F.col(name))
        for name in contract.columns
    }
    return (
        changes.join(old_rows, [*WAL_RECORD_ID], "left")
        .withColumns({**filled, "_problems": _without_known(contract, is_known)})
        .select(*changes.columns)
    )


def _keys_to_look_up(changes: DataFrame, versions: DataFrame, contract: Contract, *, keys_changed: bool) -> DataFrame:
    """Return the keys whose history has the omitted values: the changes' own and, after key changes, the old ones."""
    key = [*contract.key]
    toasted = changes.where(has_problem(TOASTED))
    own_keys = toasted.select(*key)
    if not keys_changed:
        return own_keys.distinct()
    inserts = F.broadcast(toasted.where(F.col("_op") == INSERT).select(*WAL_RECORD_ID))
    deletes = (
        rows.where(F.col("_op") == DELETE).join(inserts, [*WAL_RECORD_ID], "semi") for rows in (changes, versions)
    )
    return reduce(DataFrame.union, (rows.select(*key) for rows in deletes), own_keys).distinct()


def _with_history(changes: DataFrame, previous: DataFrame, contract: Contract) -> DataFrame:
    """Return the changes (`_new` is true) and the previous versions as one history, in order."""
    # A version has its reasons alone, in the contract's wording.
    reasons = {name: contract.wording.toasted.replace(COLUMN_PLACEHOLDER, name) for name in contract.columns}
    unknown = problems_where(
        {name: [(TOASTED, f"array_contains(_reasons, {sql_literal(reason)})")] for name, reason in reasons.items()}
    )
    previous_changes = previous.select(
        *LINEAGE_COLUMNS, *contract.columns, "_reasons", F.expr(unknown).alias("_problems"), lit(False).alias("_new")
    )
    both = changes.withColumn("_new", lit(True)).unionByName(previous_changes, allowMissingColumns=True)
    return with_commit_order(both, contract.key)


def _known_value(name: str) -> Column:
    """Return what a change reveals of a column: its value, that it is unknown at insert or delete, or NULL."""
    value = F.struct(lit(True).alias("known"), F.col(name).alias("value"))
    unknown = F.struct(lit(False).alias("known"), lit(None).alias("value"))
    begins_or_ends_row = (F.col("_op") == INSERT) | is_effective_delete()
    return F.when(is_upsert() & ~_is_toasted(name), value).when(begins_or_ends_row, unknown)


def _without_known(contract: Contract, is_known: Callable[[str], Column]) -> Column:
    """Return the problems without those of the columns whose omitted value is known."""
    solved = (F.when(_is_toasted(name) & is_known(name), F.expr(problem(name, TOASTED))) for name in contract.columns)
    return F.array_except("_problems", F.array(*solved))


def _is_toasted(name: str) -> Column:
    return has_problem(TOASTED, name)
