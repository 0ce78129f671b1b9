"""Enrichment of a batch with what its messages omit: TOASTed values, and implicit deletes."""

from pyspark import StorageLevel
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from lakehouse.cdc.contract import Contract
from lakehouse.cdc.merge.batch_stats import BatchStats
from lakehouse.cdc.merge.implicit_deletes import add_implicit_deletes
from lakehouse.cdc.merge.toast import fill_across_key_change, fill_from_history, keys_to_look_up
from lakehouse.cdc.merge.validation import validate


def needs_history(stats: BatchStats, *, already_merged: bool) -> bool:
    """Return whether a batch must be enriched: a table's first snapshot alone has no rows to delete implicitly."""
    return stats.toasted > 0 or (
        stats.implicit_deletes > 0 and (already_merged or stats.initial_snapshots > 1 or stats.not_initial_snapshot > 0)
    )


def enrich(changes: DataFrame, stats: BatchStats, versions: DataFrame, contract: Contract) -> DataFrame:
    """Return the changes with their TOASTed values, validated again, and with the implicit deletes."""
    if stats.implicit_deletes:
        changes = materialize(add_implicit_deletes(changes, versions, contract))
    if stats.toasted:
        changes = materialize(validate(_fill_toasted(changes, stats, versions, contract), contract))
    return changes


def materialize(rows: DataFrame) -> DataFrame:
    """Return the rows computed now, in memory or on disk, with nothing left to plan.

    Spark compares a cached plan with every plan that reads it, which takes longer here than the reading.
    """
    return rows.localCheckpoint(eager=True, storageLevel=StorageLevel.MEMORY_AND_DISK)


def _fill_toasted(changes: DataFrame, stats: BatchStats, versions: DataFrame, contract: Contract) -> DataFrame:
    keys = keys_to_look_up(changes, versions, contract, keys_changed=stats.key_changes > 0)
    previous = materialize(versions.join(F.broadcast(keys), [*contract.key], "semi"))
    filled, unknown_count = fill_from_history(changes, previous, contract), stats.toasted
    # A row's key may have changed more than once; each round follows one key change.
    while stats.key_changes:
        filled = materialize(fill_from_history(fill_across_key_change(filled, previous, contract), previous, contract))
        still_unknown = filled.where(F.size("_unchanged") > 0).count()
        if still_unknown in {0, unknown_count}:
            break
        unknown_count = still_unknown
    return filled
