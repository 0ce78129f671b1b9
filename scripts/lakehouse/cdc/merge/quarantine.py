"""Quarantine: every refused change once, with its reasons, resolved by the key's next accepted change or delete."""

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from lakehouse.cdc import table_stats
from lakehouse.cdc.contract import Contract
from lakehouse.cdc.lake import Lake
from lakehouse.cdc.merge.envelope import DELETE
from lakehouse.cdc.merge.predicates import is_effective
from lakehouse.cdc.offsets import Offsets
from lakehouse.spark.literals import lit

LINEAGE_FIELDS = ("op", "incarnation", "partition", "offset", "last_commit_lsn", "lsn", "committed_at")


def entries(changes: DataFrame, contract: Contract) -> DataFrame:
    """Return an entry for each refused change, resolved where a later change of the batch resolves it."""
    later = Window.partitionBy(*contract.key).orderBy("_order").rowsBetween(1, Window.unboundedFollowing)
    with_resolution = changes.withColumn(
        "_resolution", F.first(F.when(is_effective(), _resolution(contract)), ignorenulls=True).over(later)
    )
    return with_resolution.where(F.size("_reasons") > 0).select(
        lit(contract.table).alias("table_name"),
        _key_json(contract),
        F.col("_value").alias("value"),
        F.col("_reasons").alias("reasons"),
        *(F.col(f"_{name}").alias(name) for name in LINEAGE_FIELDS),
        "_resolution.*",
    )


def resolutions(changes: DataFrame, contract: Contract) -> DataFrame:
    """Return the resolution of older entries by key: from the batch's first accepted change or delete of the key."""
    first = F.min_by(_resolution(contract), "_order").alias("_resolution")
    by_key = changes.where(is_effective()).groupBy(*contract.key).agg(first)
    return by_key.select(_key_json(contract), "_resolution.*")


def upsert(lake: Lake, contract: Contract, refused: DataFrame) -> None:
    """Insert the batch's entries; those that a killed run left are overwritten."""
    same_position = " AND ".join(f"t.{name} = s.{name}" for name in ("incarnation", "partition", "offset"))
    target = lake.table("silver", "quarantine").alias("t")
    merge = target.merge(refused.alias("s"), f"{_table_predicate(contract)} AND {same_position}")
    merge.whenMatchedUpdateAll().whenNotMatchedInsertAll().execute()


def resolve(lake: Lake, contract: Contract, resolved: DataFrame, merged_offsets: Offsets) -> None:
    """Resolve the open entries from before the batch: those at offsets up to `merged_offsets`."""
    if not merged_offsets or not table_stats.has_open_quarantine(lake.store, contract):
        return
    already_merged = " OR ".join(
        f"(t.incarnation = {incarnation} AND t.partition = {partition} AND t.offset <= {end})"
        for (incarnation, partition), end in merged_offsets.items()
    )
    open_entry = f"{_table_predicate(contract)} AND t.resolved_at IS NULL AND ({already_merged}) AND t.key = s.key"
    assignments: dict[str, str | Column] = {name: f"s.{name}" for name in ("resolved_at", "resolution")}
    target = lake.table("silver", "quarantine").alias("t")
    target.merge(resolved.alias("s"), open_entry).whenMatchedUpdate(set=assignments).execute()


def delete_entries(lake: Lake, contract: Contract) -> None:
    """Delete a table's entries, before a rebuild from Bronze adds them again."""
    lake.table("silver", "quarantine").delete(F.col("table_name") == contract.table)


def _resolution(contract: Contract) -> Column:
    wording = F.when(F.col("_op") == DELETE, contract.wording.deleted).otherwise(contract.wording.corrected)
    return F.struct(F.col("_committed_at").alias("resolved_at"), wording.alias("resolution"))


def _table_predicate(contract: Contract) -> str:
    return f"t.table_name = '{contract.table}'"


def _key_json(contract: Contract) -> Column:
    return F.to_json(F.struct(*contract.key)).alias("key")
