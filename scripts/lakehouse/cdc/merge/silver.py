"""Silver: the current rows of a table, brought up to a consistent cut of Bronze by new changes alone.

Three tables are written idempotently: quarantine, the current rows, and last the versions. The versions' offsets are
those that Silver has merged. After a run that was killed in between, the next one repeats the same batch. A rebuild is
computed and judged before the first of the three is overwritten. From then on it is owed until it has ended.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial, reduce
from operator import or_

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from lakehouse.cdc import commit_log, schemas, table_stats
from lakehouse.cdc.contract import Contract
from lakehouse.cdc.lake import Lake
from lakehouse.cdc.manual_refusals import ManualRefusal, read_refusals
from lakehouse.cdc.merge import quarantine
from lakehouse.cdc.merge.batch import Batch, BatchStats, MergedState
from lakehouse.cdc.merge.deduplication import (
    has_late_arrivals,
    mark_already_merged,
    mark_duplicates_in_batch,
    with_may_repeat,
)
from lakehouse.cdc.merge.envelope import DELETE, decode
from lakehouse.cdc.merge.implicit_deletes import add_implicit_deletes
from lakehouse.cdc.merge.ordering import with_commit_order
from lakehouse.cdc.merge.toast import fill_toasted
from lakehouse.cdc.merge.validation import ensure_schema_matches, latest_per_key, mark_manual_refusals, validate
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

    A table whose rebuild is owed is rebuilt from all of Bronze instead. Raises SchemaMismatch, before anything is
    written, where the table no longer fits its contract.
    """
    if _needs_rebuild(lake, contract, cut):
        return prepare_rebuild(lake, contract, cut, thresholds).write()
    merged_offsets = table_stats.silver_offsets(lake.store, contract)
    if has_reached(merged_offsets, cut):
        return CatchUpResult(contract.table)
    if lag(merged_offsets, cut) > thresholds.bulk:
        lake = lake.with_bulk_settings()
    batch = _read_fitting_batch(lake, contract, merged_offsets, cut)
    merged = MergedState(
        merged_offsets, table_stats.max_commit_lsn(lake.store, contract), partial(lake.versions, contract)
    )
    new = mark_already_merged(batch, merged)
    if len({*merged_offsets, *cut}) > 1 and has_late_arrivals(new, merged):
        # Later versions may depend on the late change: by a TOASTed value, or an implicit delete.
        return prepare_rebuild(lake, contract, cut, thresholds).write()
    complete = fill_toasted(add_implicit_deletes(new, merged), merged)
    rows = _write_batch(lake, complete, merged, thresholds)
    return CatchUpResult(contract.table, batch.stats.changes, complete.stats.refused, rows)


@dataclass(frozen=True)
class PreparedRebuild:
    """A table's Silver as computed from all of Bronze up to a cut, judged, and not written yet."""

    lake: Lake
    complete: Batch
    changes: int
    refills: int

    def write(self) -> CatchUpResult:
        """Replace the table's Silver, each of its three tables in one commit.

        After a run that was killed in between, the next catch-up rebuilds the table again.
        """
        lake, contract, changes, stats = self.lake, self.complete.contract, self.complete.changes, self.complete.stats
        commit_log.request_rebuild(lake.store, contract)
        has_refused = stats.refused > 0
        refused = quarantine.entries(changes, contract) if has_refused else lake.empty_frame(schemas.QUARANTINE)
        quarantine.overwrite_entries(lake, contract, refused)
        version_before = commit_log.last_data_version(lake.store, "silver", contract.table)
        rows = latest_per_key(self.complete).where(F.col("_op") != DELETE)
        lake.overwrite(rows, "silver", contract.table)
        row_count = _ensure_single_writer(lake, contract, version_before)
        lake.overwrite(changes.select(*schemas.versions(contract)), "silver", f"{contract.table}_versions")
        commit_log.end_rebuild(lake.store, contract, self.refills)
        return CatchUpResult(contract.table, self.changes, stats.refused, row_count)


def prepare_rebuild(
    lake: Lake, contract: Contract, cut: Offsets, thresholds: MergeThresholds = DEFAULT_MERGE_THRESHOLDS
) -> PreparedRebuild:
    """Return the table's Silver as computed from all of Bronze up to the cut; nothing is written.

    Raises SchemaMismatch where the table does not fit its contract.
    """
    refills = commit_log.refill_count(lake.store, contract) if cut else 0
    if lag({}, cut) > thresholds.bulk:
        lake = lake.with_bulk_settings()
    batch = _read_fitting_batch(lake, contract, {}, cut)
    nothing_merged = MergedState({}, None, lambda: lake.empty_frame(schemas.versions(contract)))
    complete = fill_toasted(add_implicit_deletes(batch, nothing_merged), nothing_merged)
    return PreparedRebuild(lake, complete, batch.stats.changes, refills)


def read_batch(messages: DataFrame, contract: Contract, refusals: Sequence[ManualRefusal] = ()) -> Batch:
    """Return Bronze's messages as a batch of changes: decoded, validated, ordered, duplicates among them blanked.

    The messages of `refusals` are refused, whatever they hold.
    """
    decoded = mark_manual_refusals(decode(messages, contract), refusals)
    validated = validate(decoded, contract)
    ordered = with_commit_order(validated, contract.key)
    return mark_duplicates_in_batch(Batch.compute(contract, with_may_repeat(ordered, contract.key)))


def reset_table(lake: Lake, contract: Contract) -> None:
    """Have the next catch-up rebuild the table's Silver from all of Bronze; until then it stays as it is."""
    lake.pre_commit_check()
    commit_log.request_rebuild(lake.store, contract)


def _needs_rebuild(lake: Lake, contract: Contract, cut: Offsets) -> bool:
    """Return whether a rebuild is owed: requested, begun, for other columns, or for a gap of Bronze that was filled.

    Changes after the gap were merged without those of the gap.
    """
    return (
        commit_log.is_rebuild_requested(lake.store, contract)
        or not lake.store.has_columns("silver", f"{contract.table}_versions", schemas.versions(contract))
        or (
            bool(cut)
            and commit_log.refill_count(lake.store, contract) > commit_log.merged_refill_count(lake.store, contract)
        )
    )


def _read_fitting_batch(lake: Lake, contract: Contract, after: Offsets, upto: Offsets) -> Batch:
    """Return Bronze's changes between two offsets. Raises SchemaMismatch where they do not fit the contract."""
    # Materialized: Catalyst optimizes over rows that are in the plan itself, until its copies fill the driver's memory.
    messages = lake.bronze_between(contract, after, upto) if upto else materialize(lake.empty_frame(schemas.BRONZE))
    batch = read_batch(messages, contract, read_refusals(lake.store, contract))
    ensure_schema_matches(batch, partial(quarantine.count_mismatches, lake))
    return batch


def _write_batch(lake: Lake, batch: Batch, merged: MergedState, thresholds: MergeThresholds) -> int:
    """Write the three tables, and return how many current rows were inserted, updated or deleted."""
    contract, changes, stats = batch.contract, batch.changes, batch.stats
    if stats.refused:
        subjects = quarantine.earlier_subjects(changes, merged.versions(), contract) if merged.offsets else None
        quarantine.upsert(lake, contract, quarantine.entries(changes, contract, subjects))
    quarantine.resolve(lake, contract, quarantine.resolutions(changes, contract), merged.offsets)
    latest = latest_per_key(batch)
    version_before = commit_log.last_data_version(lake.store, "silver", contract.table)
    if _has_none_of_the_keys(lake, contract, stats):
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


def _has_none_of_the_keys(lake: Lake, contract: Contract, stats: BatchStats) -> bool:
    """Return whether the log alone shows that the table has none of the batch's keys, so that an append suffices."""
    return table_stats.is_empty(lake.store, "silver", contract.table) or (
        stats.min_key is not None
        and not table_stats.may_contain_key_range(lake.store, contract, stats.min_key, stats.max_key)
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
