"""Quarantine: every refused change once, with its reasons, resolved by the key's next accepted change or delete."""

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from lakehouse.cdc import table_stats
from lakehouse.cdc.contract import Contract
from lakehouse.cdc.lake import Lake
from lakehouse.cdc.merge.batch import Batch
from lakehouse.cdc.merge.envelope import DELETE
from lakehouse.cdc.merge.ordering import with_commit_order
from lakehouse.cdc.merge.predicates import is_effective, is_mismatch
from lakehouse.cdc.offsets import Offsets
from lakehouse.spark.literals import lit
from lakehouse.spark.materialize import materialize

POSITION = ("incarnation", "partition", "offset")
LINEAGE_FIELDS = ("op", *POSITION, "last_commit_lsn", "lsn", "committed_at")


def entries(changes: DataFrame, contract: Contract, history: DataFrame | None = None) -> DataFrame:
    """Return an entry for each refused change, resolved where a later change of the batch resolves it.

    `subject` shows whose the row is. Where the change does not say it, the last accepted one before it does: a change
    of the batch, or of the `history` that `earlier_subjects` returns.
    """
    by_key = Window.partitionBy(*contract.key).orderBy("_order")
    earlier, later = (
        by_key.rowsBetween(Window.unboundedPreceding, -1),
        by_key.rowsBetween(1, Window.unboundedFollowing),
    )
    accepted = F.when(is_effective(), F.struct(_subject(contract).alias("subject")))
    with_neighbours = changes.withColumns(
        {
            "_resolution": F.first(F.when(is_effective(), _resolution(contract)), ignorenulls=True).over(later),
            "_earlier": F.last(accepted, ignorenulls=True).over(earlier),
        }
    )
    refused = with_neighbours.where(F.size("_reasons") > 0)
    if history is None:
        refused = refused.withColumn("_known", F.col("_earlier"))
    else:
        known = F.coalesce("_earlier", F.struct(F.col("_earlier_subject").alias("subject")))
        refused = refused.join(F.broadcast(history), [*contract.key], "left").withColumn("_known", known)
    return refused.select(
        lit(contract.table).alias("table_name"),
        _key_json(contract),
        F.col("_value").alias("value"),
        F.col("_reasons").alias("reasons"),
        *(F.col(f"_{name}").alias(name) for name in LINEAGE_FIELDS),
        "_resolution.*",
        F.coalesce(_subject(contract), F.col("_known.subject")).alias("subject"),
    )


def earlier_subjects(changes: DataFrame, versions: DataFrame, contract: Contract) -> DataFrame | None:
    """Return the subject of each key's last accepted version, by key: of refused changes that do not say theirs.

    Returns None where there is no such change, and reads no version then.
    """
    silent = changes.where((F.size("_reasons") > 0) & _subject(contract).isNull()).select(*contract.key).dropna()
    if contract.subject is None or contract.subject[0] in contract.key or silent.isEmpty():
        return None
    merged = versions.join(F.broadcast(silent.distinct()), [*contract.key], "semi").where(is_effective())
    last = F.max_by(F.struct(_subject(contract).alias("subject")), "_order")["subject"]
    by_key = with_commit_order(merged, contract.key).groupBy(*contract.key)
    return materialize(by_key.agg(last.alias("_earlier_subject")))


def resolutions(changes: DataFrame, contract: Contract) -> DataFrame:
    """Return the resolution of older entries by key: from the batch's first accepted change or delete of the key."""
    first = F.min_by(_resolution(contract), "_order").alias("_resolution")
    by_key = changes.where(is_effective()).groupBy(*contract.key).agg(first)
    return by_key.select(_key_json(contract), "_resolution.*")


def upsert(lake: Lake, contract: Contract, refused: DataFrame) -> None:
    """Insert the batch's entries; those that a killed run left are overwritten."""
    same_position = " AND ".join(f"t.{name} = s.{name}" for name in POSITION)
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


def overwrite_entries(lake: Lake, contract: Contract, refused: DataFrame) -> None:
    """Replace the entries of a table, in one commit."""
    lake.overwrite_where(refused, "silver", "quarantine", f"table_name = '{contract.table}'")


def count_mismatches(lake: Lake, batch: Batch) -> int:
    """Return how many of a batch's changes of another type have an entry already."""
    position = [F.col(f"_{name}").alias(name) for name in POSITION]
    mismatches = batch.changes.where(is_mismatch()).select(*position)
    quarantined = lake.quarantine().where(F.col("table_name") == batch.contract.table)
    return mismatches.join(quarantined, [*POSITION], "semi").count()


def _resolution(contract: Contract) -> Column:
    wording = F.when(F.col("_op") == DELETE, contract.wording.deleted).otherwise(contract.wording.corrected)
    return F.struct(F.col("_committed_at").alias("resolved_at"), wording.alias("resolution"))


def _subject(contract: Contract) -> Column:
    """Return what shows whose a row is, as text; NULL of most deletes, which have their key alone."""
    return F.col(contract.subject[0]).cast("string") if contract.subject else lit(None).cast("string")


def _table_predicate(contract: Contract) -> str:
    return f"t.table_name = '{contract.table}'"


def _key_json(contract: Contract) -> Column:
    return F.to_json(F.struct(*contract.key)).alias("key")
