"""Quarantine: every refused change, once, with its reasons; closed by the first later change that passes or deletes."""

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from lakehouse.cdc.changes import settles
from lakehouse.cdc.contract import Contract
from lakehouse.cdc.envelope import DELETE
from lakehouse.cdc.lake import Lake
from lakehouse.cdc.positions import Positions

CORRECTED, DELETED = "corrigé", "supprimé"
POSITION = ("op", "incarnation", "partition", "offset", "commit_seq", "lsn", "committed_at")


def entries(changes: DataFrame, contract: Contract) -> DataFrame:
    """Give an entry for each refused change, closed where a change of the same batch does it."""
    later = Window.partitionBy(*contract.key).orderBy("_order").rowsBetween(1, Window.unboundedFollowing)
    settled = changes.withColumn("_by", F.first(F.when(settles(), _closing()), ignorenulls=True).over(later))
    return settled.where(F.size("_reasons") > 0).select(
        F.lit(contract.table).alias("table_name"),
        _key(contract),
        F.col("_value").alias("value"),
        F.col("_reasons").alias("reasons"),
        *(F.col(f"_{name}").alias(name) for name in POSITION),
        "_by.*",
    )


def closings(changes: DataFrame, contract: Contract) -> DataFrame:
    """Give what closes the entries that stood before the batch: the first change of each key that passes or deletes."""
    first = changes.where(settles()).groupBy(*contract.key).agg(F.min_by(_closing(), "_order").alias("_by"))
    return first.select(_key(contract), "_by.*")


def record(lake: Lake, contract: Contract, refused: DataFrame) -> None:
    """Put the batch's entries; those that a killed run left are put right."""
    at = " AND ".join(f"t.{name} = s.{name}" for name in ("incarnation", "partition", "offset"))
    there = lake.table("silver", "quarantine").alias("t")
    put = there.merge(refused.alias("s"), f"{_of(contract)} AND {at}")
    put.whenMatchedUpdateAll().whenNotMatchedInsertAll().execute()


def close(lake: Lake, contract: Contract, found: DataFrame, seen: Positions) -> None:
    """Close the entries that stand, of those from before the batch: not past `seen`."""
    if not seen or not lake.catalog.has_open_refusals(contract):
        return
    before = " OR ".join(
        f"(t.incarnation = {lane.incarnation} AND t.partition = {lane.partition} AND t.offset <= {end})"
        for lane, end in seen.items()
    )
    stands = f"{_of(contract)} AND t.closed_at IS NULL AND ({before}) AND t.key = s.key"
    closed: dict[str, str | Column] = {name: f"s.{name}" for name in ("closed_at", "closed_by")}
    there = lake.table("silver", "quarantine").alias("t")
    there.merge(found.alias("s"), stands).whenMatchedUpdate(set=closed).execute()


def forget(lake: Lake, contract: Contract) -> None:
    """Take out a table's entries, before they are found again from Bronze."""
    lake.table("silver", "quarantine").delete(F.col("table_name") == contract.table)


def _closing() -> Column:
    by = F.when(F.col("_op") == DELETE, DELETED).otherwise(CORRECTED)
    return F.struct(F.col("_committed_at").alias("closed_at"), by.alias("closed_by"))


def _of(contract: Contract) -> str:
    return f"t.table_name = '{contract.table}'"


def _key(contract: Contract) -> Column:
    return F.to_json(F.struct(*contract.key)).alias("key")
