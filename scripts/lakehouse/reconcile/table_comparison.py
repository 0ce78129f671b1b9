"""Comparison of Silver at a cut with a Postgres snapshot not later than it: the one engine of reconcile and refresh."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from lakehouse.cdc import table_stats
from lakehouse.cdc.contract import Contract
from lakehouse.cdc.lake import Lake
from lakehouse.cdc.offset_check import OffsetProblem
from lakehouse.errors import LakehouseError
from lakehouse.reconcile import checksums
from lakehouse.reconcile.checksums import BucketChecksums, Selection, all_rows
from lakehouse.reconcile.compare import Difference, describe_differences, differing_buckets
from lakehouse.reconcile.mvcc_snapshot import Snapshot
from lakehouse.reconcile.visibility import ComparableRows, deviating_keys, settled_rows, visible_rows
from lakehouse.source.postgres import Connection
from lakehouse.spark.literals import lit

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
    """Silver's side: what is compared of it, its rows and their number, and the keys left out of both sides.

    `buckets` are the rows' checksums, which a long table has not.
    """

    contract: Contract
    selection: Selection
    rows: DataFrame
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

    Silver must be merged up to a cut that is not earlier than the snapshot.
    """
    stored = table_stats.row_count(lake.store, "silver", contract.table)
    if stored > BULK_THRESHOLD_ROWS:
        lake = lake.with_bulk_settings()
    keys = deviating_keys(lake, contract, snapshot)
    if max_rows is None or stored <= max_rows:
        rows = visible_rows(lake, contract, snapshot, keys)
        buckets = checksums.spark_checksums(rows.rows, contract, [*contract.columns])
        return _silver_side(contract, rows, _sum_rows(buckets), buckets)
    rows = settled_rows(lake, contract, keys)
    return _silver_side(contract, rows, stored if rows.left_out is None else rows.rows.count(), None)


def select_rows(silver: SilverSide, selection: Selection) -> SilverSide:
    """Return the selected rows of a long table, with their checksums."""
    column = selection.filter_column
    # One literal, however many values; a frame of a Python list would start a Python worker.
    values = F.from_json(lit(json.dumps([*selection.values])), f"array<{silver.contract.columns[column]}>")
    selected = silver.rows.sparkSession.range(1).select(F.explode(values).alias(column))
    rows = silver.rows.join(F.broadcast(selected), column, "semi")
    buckets = checksums.spark_checksums(rows, silver.contract, selection.columns)
    return replace(silver, selection=selection, rows=rows, row_count=_sum_rows(buckets), buckets=buckets)


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
        silver_buckets = checksums.spark_checksums(silver.rows, contract, selection.columns)
    buckets = differing_buckets(source_buckets, silver_buckets)
    described: list[Difference] = []
    if sampled_buckets := buckets[:max_differences]:
        described = describe_differences(
            checksums.postgres_row_hashes(conn, contract, selection, sampled_buckets, left_out),
            checksums.spark_row_hashes(silver.rows, contract, selection.columns, sampled_buckets),
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


def _silver_side(
    contract: Contract, rows: ComparableRows, row_count: int, buckets: BucketChecksums | None
) -> SilverSide:
    left_out = [] if rows.left_out is None else checksums.spark_key_texts(rows.left_out, contract)
    return SilverSide(contract, all_rows(contract), rows.rows, row_count, left_out, buckets)


def _sum_rows(buckets: BucketChecksums) -> int:
    return sum(rows for rows, _ in buckets.values())
