"""Quarantine: every refused change, once, with its reasons; closed by the first later change that passes or deletes."""

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from lakehouse.cdc.contract import Contract
from lakehouse.cdc.lake import Lake
from lakehouse.cdc.merge.envelope import DELETE
from lakehouse.cdc.merge.validation import is_effective
from lakehouse.cdc.offsets import Offsets

CORRECTED, DELETED = "corrigé", "supprimé"
LINEAGE_FIELDS = ("op", "incarnation", "partition", "offset", "commit_seq", "lsn", "committed_at")


def entries(changes: DataFrame, contract: Contract) -> DataFrame:
    """Give an entry for each refused change, closed where a change of the same batch does it."""
    later = Window.partitionBy(*contract.key).orderBy("_order").rowsBetween(1, Window.unboundedFollowing)
    with_resolution = changes.withColumn(
        "_by", F.first(F.when(is_effective(), _resolution()), ignorenulls=True).over(later)
    )
    return with_resolution.where(F.size("_reasons") > 0).select(
        F.lit(contract.table).alias("table_name"),
        _key_json(contract),
        F.col("_value").alias("value"),
        F.col("_reasons").alias("reasons"),
        *(F.col(f"_{name}").alias(name) for name in LINEAGE_FIELDS),
        "_by.*",
    )


def resolutions(changes: DataFrame, contract: Contract) -> DataFrame:
    """Give what closes the entries that stood before the batch: the first change of each key that passes or deletes."""
    first = changes.where(is_effective()).groupBy(*contract.key).agg(F.min_by(_resolution(), "_order").alias("_by"))
    return first.select(_key_json(contract), "_by.*")


def upsert(lake: Lake, contract: Contract, refused: DataFrame) -> None:
    """Put the batch's entries; those that a killed run left are put right."""
    same_position = " AND ".join(f"t.{name} = s.{name}" for name in ("incarnation", "partition", "offset"))
    target = lake.table("silver", "quarantine").alias("t")
    merge = target.merge(refused.alias("s"), f"{_table_predicate(contract)} AND {same_position}")
    merge.whenMatchedUpdateAll().whenNotMatchedInsertAll().execute()


def resolve(lake: Lake, contract: Contract, resolved: DataFrame, merged_offsets: Offsets) -> None:
    """Close the entries that stand, of those from before the batch: not past `seen`."""
    if not merged_offsets or not lake.catalog.has_open_quarantine(contract):
        return
    already_merged = " OR ".join(
        f"(t.incarnation = {topic_partition.incarnation} AND t.partition = {topic_partition.partition} AND t.offset <= {end})"
        for topic_partition, end in merged_offsets.items()
    )
    open_entry = f"{_table_predicate(contract)} AND t.closed_at IS NULL AND ({already_merged}) AND t.key = s.key"
    assignments: dict[str, str | Column] = {name: f"s.{name}" for name in ("closed_at", "closed_by")}
    target = lake.table("silver", "quarantine").alias("t")
    target.merge(resolved.alias("s"), open_entry).whenMatchedUpdate(set=assignments).execute()


def delete_entries(lake: Lake, contract: Contract) -> None:
    """Take out a table's entries, before they are found again from Bronze."""
    lake.table("silver", "quarantine").delete(F.col("table_name") == contract.table)


def _resolution() -> Column:
    by = F.when(F.col("_op") == DELETE, DELETED).otherwise(CORRECTED)
    return F.struct(F.col("_committed_at").alias("closed_at"), by.alias("closed_by"))


def _table_predicate(contract: Contract) -> str:
    return f"t.table_name = '{contract.table}'"


def _key_json(contract: Contract) -> Column:
    return F.to_json(F.struct(*contract.key)).alias("key")
