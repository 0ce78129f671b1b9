"""Comparison of Silver at a cut with a Postgres snapshot not later than it: the one engine of reconcile and refresh."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from lakehouse.cdc import table_stats
from lakehouse.cdc.contract import Contract
from lakehouse.cdc.lake import Lake
from lakehouse.cdc.offset_check import OffsetProblem
from lakehouse.cdc.table_store import TableStore
from lakehouse.errors import LakehouseError
from lakehouse.reconcile import checksums
from lakehouse.reconcile.checksums import BucketChecksums, Selection, all_rows
from lakehouse.reconcile.compare import Difference, describe_differences, differing_buckets
from lakehouse.reconcile.mvcc_snapshot import Snapshot
from lakehouse.reconcile.stored_checksums import stored_checksums, stored_count
from lakehouse.reconcile.visibility import deviating_keys, settled_rows, visible_rows
from lakehouse.source.postgres import Connection

BULK_THRESHOLD_ROWS = 20_000  # above it, compiled plans pay off


@dataclass(frozen=True)
class TableResult:
    """The result for one table: row counts of both sides without keys left out, and the first differences.

    Each of the `differing_bucket_count` buckets differs in at least one key. `is_checksum` is false where only the
    numbers of rows were compared. `offset_problems` are the offsets that Bronze or the versions lack or have more than
    once. `error` is set where the table could not be compared.
    """

    table: str
    source_rows: int = 0
    silver_rows: int = 0
    refused: int = 0
    differing_bucket_count: int = 0
    differences: Sequence[Difference] = ()
    is_checksum: bool = True
    offset_problems: Sequence[OffsetProblem] = ()
    error: LakehouseError | None = None

    @property
    def is_equal(self) -> bool:
        return not self.differing_bucket_count and self.error is None


@dataclass(frozen=True)
class SourceSide:
    """Postgres's side: the number of all rows, and their checksums, which a long table has not."""

    row_count: int
    buckets: BucketChecksums | None


@dataclass(frozen=True)
class SilverSide:
    """Silver's side: what is compared of it, the number of its rows, and the keys left out of both sides.

    `buckets` are the rows' checksums, which a long table has not. `rows` returns the rows, which only a difference
    needs.
    """

    store: TableStore
    contract: Contract
    selection: Selection
    rows: Callable[[], DataFrame]
    row_count: int
    left_out: Sequence[str]
    buckets: BucketChecksums | None


def read_source(conn: Connection, contract: Contract, max_rows: int | None = None) -> SourceSide:
    """Return Postgres's side: checksums of up to `max_rows` rows, above that their number alone."""
    if max_rows is not None and checksums.postgres_has_more_rows(conn, contract, max_rows):
        return SourceSide(checksums.postgres_count(conn, contract), None)
    buckets = checksums.postgres_checksums(conn, contract, all_rows(contract))
    return SourceSide(_sum_rows(buckets), buckets)


def read_silver(lake: Lake, contract: Contract, snapshot: Snapshot, max_rows: int | None = None) -> SilverSide:
    """Return Silver's side: checksums of up to `max_rows` rows, above that their number alone.

    Silver must be merged up to a cut that is not earlier than the snapshot. Spark reads it only where later changes
    have to be undone, which is done in up to `max_rows` rows.
    """
    stored = table_stats.row_count(lake.store, "silver", contract.table)
    is_long = max_rows is not None and stored > max_rows
    if stored > BULK_THRESHOLD_ROWS:
        lake = lake.with_bulk_settings()
    keys, selection = deviating_keys(lake, contract, snapshot), all_rows(contract)
    is_undone = keys.later is not None and not is_long
    visible = visible_rows(lake, contract, snapshot, keys) if is_undone else settled_rows(lake, contract, keys)
    left_out = [] if visible.left_out is None else checksums.spark_key_texts(visible.left_out, contract)
    side = SilverSide(lake.store, contract, selection, visible.rows, stored, left_out, None)
    if is_long:
        return replace(side, row_count=stored_count(lake.store, contract, left_out)) if left_out else side
    return _with_checksums(
        side,
        checksums.spark_checksums(visible.rows(), contract, selection.columns)
        if is_undone
        else stored_checksums(lake.store, contract, selection, left_out),
    )


def select_rows(silver: SilverSide, selection: Selection) -> SilverSide:
    """Return the selected rows of a long table, with their checksums."""

    def rows() -> DataFrame:
        return silver.rows().where(F.col(selection.filter_column).isin(*selection.values))

    buckets = stored_checksums(silver.store, silver.contract, selection, silver.left_out)
    return _with_checksums(replace(silver, selection=selection, rows=rows), buckets)


def compare_table(
    conn: Connection, silver: SilverSide, max_differences: int, source: SourceSide | None = None
) -> TableResult:
    """Compare the two sides of a table. `source` is Postgres's side of all rows, if it was read before.

    Where two numbers of rows differ, checksums of all rows follow, which find the keys.
    """
    contract, selection, left_out = silver.contract, silver.selection, silver.left_out
    if source is not None and source.buckets is None:
        source_rows = source.row_count - (checksums.postgres_count(conn, contract, left_out) if left_out else 0)
        if source_rows == silver.row_count:
            return TableResult(contract.table, source_rows, silver.row_count, len(left_out), is_checksum=False)
    read_before = source.buckets if source else None
    source_buckets = checksums.postgres_checksums(conn, contract, selection, left_out, read_before)
    silver_buckets = silver.buckets
    if silver_buckets is None:
        silver_buckets = stored_checksums(silver.store, contract, selection, left_out)
    buckets = differing_buckets(source_buckets, silver_buckets)
    if buckets:
        # Spark decides: files of version 0.2 and before hold instants that only Spark reads as they were written.
        silver_buckets = checksums.spark_checksums(silver.rows(), contract, selection.columns)
        buckets = differing_buckets(source_buckets, silver_buckets)
    described: list[Difference] = []
    if sampled_buckets := buckets[:max_differences]:
        described = describe_differences(
            checksums.postgres_row_hashes(conn, contract, selection, sampled_buckets, left_out),
            checksums.spark_row_hashes(silver.rows(), contract, selection.columns, sampled_buckets),
            selection.columns,
        )
    return TableResult(
        contract.table,
        source_rows=_sum_rows(source_buckets),
        silver_rows=_sum_rows(silver_buckets),
        refused=len(left_out),
        differing_bucket_count=len(buckets),
        differences=described[:max_differences],
    )


def _with_checksums(silver: SilverSide, buckets: BucketChecksums) -> SilverSide:
    return replace(silver, buckets=buckets, row_count=_sum_rows(buckets))


def _sum_rows(buckets: BucketChecksums) -> int:
    return sum(rows for rows, _ in buckets.values())
