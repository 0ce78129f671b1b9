"""Silver: the current rows of a table, brought up to a consistent cut of Bronze by new changes alone.

Three tables are written idempotently: quarantine, the current rows, and last the versions. The versions' offsets are
those that Silver has merged. After a run that was killed in between, the next one repeats the same batch.
"""

from dataclasses import dataclass
from functools import partial, reduce
from operator import or_

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from lakehouse.cdc import commit_log, schemas, table_stats
from lakehouse.cdc.contract import Contract
from lakehouse.cdc.lake import Lake
from lakehouse.cdc.merge import quarantine
from lakehouse.cdc.merge.batch import Batch, BatchStats, MergedState
from lakehouse.cdc.merge.deduplication import has_late_arrivals, mark_already_merged, mark_duplicates_in_batch
from lakehouse.cdc.merge.envelope import DELETE, decode
from lakehouse.cdc.merge.implicit_deletes import add_implicit_deletes
from lakehouse.cdc.merge.ordering import with_commit_order
from lakehouse.cdc.merge.toast import fill_toasted
from lakehouse.cdc.merge.validation import ensure_schema_matches, latest_per_key, validate
from lakehouse.cdc.offsets import Offsets, has_reached, lag
from lakehouse.errors import LakehouseError
from lakehouse.spark.literals import lit
from lakehouse.spark.materialize import materialize


@dataclass(frozen=True)
class MergeThresholds:
    """Sizes above which a batch is merged in another way; the rows are the same."""

    bulk: int = 20_000  # changes in a batch, or rows of the merge's target
    key_list: int = 100  # changes up to which the merge lists a batch's keys one by one


DEFAULT_MERGE_THRESHOLDS = MergeThresholds()


@dataclass(frozen=True)
class CatchUpResult:
    """Outcome of a catch-up: the changes read, those refused, and the rows of Silver that differ afterwards.

    A key that changed ten times is one row.
    """

    table: str
    changes: int = 0
    refused: int = 0
    rows: int = 0


def catch_up(
    lake: Lake, contract: Contract, cut: Offsets, thresholds: MergeThresholds = DEFAULT_MERGE_THRESHOLDS
) -> CatchUpResult:
    """Merge Bronze's changes up to the cut into Silver, reading only those that are not merged yet.

    Raises SchemaMismatch, before anything is written, where the table no longer fits its contract.
    """
    _reset_if_outdated(lake, contract, cut)
    merged_offsets = table_stats.silver_offsets(lake.store, contract)
    if has_reached(merged_offsets, cut):
        return CatchUpResult(contract.table)
    if lag(merged_offsets, cut) > thresholds.bulk:
        lake = lake.with_bulk_settings()
    batch = read_batch(lake.bronze_between(contract, merged_offsets, cut), contract)
    ensure_schema_matches(batch)
    merged = MergedState(
        merged_offsets, table_stats.max_commit_lsn(lake.store, contract), partial(lake.versions, contract)
    )
    new = mark_already_merged(batch, merged)
    if len({*merged_offsets, *cut}) > 1 and has_late_arrivals(new, merged):
        # Later versions may depend on the late change: by a TOASTed value, or an implicit delete.
        reset_table(lake, contract)
        return catch_up(lake, contract, cut, thresholds)
    complete = fill_toasted(add_implicit_deletes(new, merged), merged)
    rows = _write_batch(lake, complete, merged_offsets, thresholds)
    return CatchUpResult(contract.table, batch.stats.changes, complete.stats.refused, rows)


def read_batch(messages: DataFrame, contract: Contract) -> Batch:
    """Return Bronze's messages as a batch of changes: decoded, validated, ordered, duplicates among them blanked."""
    decoded = decode(messages, contract)
    validated = validate(decoded, contract)
    ordered = with_commit_order(validated, contract.key)
    return Batch.compute(contract, mark_duplicates_in_batch(ordered, contract))


def reset_table(lake: Lake, contract: Contract) -> None:
    """Empty the table's Silver, so that the next catch-up reads all of Bronze.

    The versions lose the contract's columns first and get them back last. After a run that was killed in between, the
    next catch-up finds them missing and resets the table again.
    """
    history = f"{contract.table}_versions"
    lake.truncate("silver", history, schemas.LINEAGE_COLUMNS)
    quarantine.delete_entries(lake, contract)
    lake.truncate("silver", contract.table, schemas.silver(contract))
    lake.truncate("silver", history, schemas.versions(contract))


def _reset_if_outdated(lake: Lake, contract: Contract, cut: Offsets) -> None:
    """Empty the table's Silver where its columns are not the contract's, or a gap of Bronze was filled since."""
    if not lake.store.has_columns("silver", f"{contract.table}_versions", schemas.versions(contract)):
        reset_table(lake, contract)
    refills = commit_log.refill_count(lake.store, contract) if cut else 0
    if refills > commit_log.merged_refill_count(lake.store, contract):
        # Changes after the gap were merged without those of the gap.
        reset_table(lake, contract)
        commit_log.set_merged_refill_count(lake.store, contract, refills)


def _write_batch(lake: Lake, batch: Batch, merged_offsets: Offsets, thresholds: MergeThresholds) -> int:
    """Write the three tables, and return how many current rows were inserted, updated or deleted."""
    contract, changes, stats = batch.contract, batch.changes, batch.stats
    if stats.refused:
        quarantine.upsert(lake, contract, quarantine.entries(changes, contract))
    quarantine.resolve(lake, contract, quarantine.resolutions(changes, contract), merged_offsets)
    latest = latest_per_key(changes, contract)
    version_before = commit_log.last_data_version(lake.store, "silver", contract.table)
    if _is_insert_only(lake, contract, stats):
        lake.append(latest.where(F.col("_op") != DELETE), "silver", contract.table)
    else:
        _merge(lake, contract, materialize(latest), stats, thresholds)
    rows = _ensure_single_writer(lake, contract, version_before)
    lake.append(changes.select(*schemas.versions(contract)), "silver", f"{contract.table}_versions")
    return rows


def _ensure_single_writer(lake: Lake, contract: Contract, version_before: int) -> int:
    """Return how many current rows were written. Raises LakehouseError where another process also wrote some.

    Delta accepts an append concurrent with any other write. The lease is checked when a write begins. A write may take
    minutes, and Postgres may fail meanwhile.
    """
    row_counts = commit_log.rows_written_per_commit(lake.store, "silver", contract.table, version_before)
    if len(row_counts) > 1:
        raise LakehouseError(
            f"silver/{contract.table} was written by another refresh at the same time, so rows may be there twice. "
            f"{contract.hints.rebuild_silver}"
        )
    return sum(row_counts)


def _pruning_predicate(contract: Contract, latest: DataFrame, stats: BatchStats, key_list_threshold: int) -> Column:
    """Return a condition that the batch's keys match, by which Delta skips files from their statistics."""
    target_column, name = F.col(f"t.{contract.key[0]}"), contract.key[0]
    sql_type = contract.columns[name]
    if stats.changes > key_list_threshold:
        return target_column.between(lit(stats.min_key, sql_type), lit(stats.max_key, sql_type))
    keys = {row[0] for row in latest.select(name).collect()}
    return reduce(or_, (target_column == lit(key, sql_type) for key in keys), lit(False))


def _is_insert_only(lake: Lake, contract: Contract, stats: BatchStats) -> bool:
    """Return whether the log alone shows that the table has none of the batch's keys, so that an append suffices."""
    only_inserts = stats.inserts == stats.changes
    return table_stats.is_empty(lake.store, "silver", contract.table) or (
        only_inserts and not table_stats.may_contain_key_range(lake.store, contract, stats.min_key, stats.max_key)
    )


def _merge(lake: Lake, contract: Contract, latest: DataFrame, stats: BatchStats, thresholds: MergeThresholds) -> None:
    """Merge the latest change of each key, all of which are later than the rows merged before."""
    match_condition = _pruning_predicate(contract, latest, stats, thresholds.key_list)
    for name in contract.key:
        match_condition = match_condition & (F.col(f"t.{name}") == F.col(f"s.{name}"))
    delete = F.col("s._op") == DELETE
    # A merge copies the unchanged rows of each file that it rewrites, and a long table has many.
    is_large = table_stats.row_count(lake.store, "silver", contract.table) > thresholds.bulk
    (
        (lake.with_bulk_settings() if is_large else lake)
        .table("silver", contract.table)
        .alias("t")
        .merge(latest.alias("s"), match_condition)
        .whenMatchedDelete(delete)
        .whenMatchedUpdateAll()
        .whenNotMatchedInsertAll(~delete)
        .execute()
    )
