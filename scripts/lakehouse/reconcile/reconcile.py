"""A reconciliation: merge Silver up to a consistent cut, then compare each table with one Postgres snapshot."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from lakehouse.cdc.contract import Contract
from lakehouse.cdc.lake import Lake
from lakehouse.cdc.merge.silver import catch_up
from lakehouse.cdc.offset_check import OffsetProblem, find_offset_problems
from lakehouse.cdc.offsets import Offsets
from lakehouse.errors import LakehouseError
from lakehouse.reconcile import checksums, mvcc_snapshot
from lakehouse.reconcile.compare import describe_differences, differing_buckets
from lakehouse.reconcile.mvcc_snapshot import Snapshot
from lakehouse.reconcile.visibility import VisibleRows, visible_rows
from lakehouse.settings import Settings
from lakehouse.source import consistent_cut
from lakehouse.source.postgres import Connection
from lakehouse.spark.parallel import parallel_map_collecting_errors


@dataclass(frozen=True)
class TableResult:
    """The result for one table: row counts of both sides without refused rows, and the first differences.

    Each of the `differing_bucket_count` buckets differs in at least one key. `offset_problems` are the offsets that
    Bronze or the versions lack or have more than once. `error` is set where the table could not be compared.
    """

    table: str
    source_rows: int = 0
    silver_rows: int = 0
    refused: int = 0
    differing_bucket_count: int = 0
    differences: Sequence[str] = ()
    offset_problems: Sequence[OffsetProblem] = ()
    error: LakehouseError | None = None

    @property
    def is_equal(self) -> bool:
        return not self.differing_bucket_count and self.error is None


@dataclass(frozen=True)
class SilverChecksums:
    """Silver's side of a comparison: the visible rows, their checksums, and the keys of refused rows."""

    visible: VisibleRows
    buckets: checksums.BucketChecksums
    refused: Sequence[str]


def reconcile(
    settings: Settings, lake: Lake, contracts: Sequence[Contract], *, timeout: float, max_differences: int
) -> list[TableResult]:
    """Merge Silver up to now and compare it with Postgres; return one result per table.

    Every offset of Bronze and of the versions is read as well. A result lists at most `max_differences` keys.
    Raises NotReady where Bronze lacks commits of Postgres after `timeout` seconds.
    """
    lake.store.create_quarantine()
    for contract in contracts:
        lake.store.create_silver(contract)
    with mvcc_snapshot.open_snapshot(settings, contracts, timeout) as (conn, pg_snapshot):
        results = compare(
            conn,
            pg_snapshot,
            lake,
            contracts,
            consistent_cut.wait_for_consistent_cut(settings, lake.store, contracts, timeout),
            max_differences,
        )
    return [
        replace(result, offset_problems=find_offset_problems(lake.store, contract, read_all=True))
        for result, contract in zip(results, contracts, strict=True)
    ]


def compare(
    conn: Connection,
    pg_snapshot: Snapshot,
    lake: Lake,
    contracts: Sequence[Contract],
    upto: consistent_cut.ConsistentCut,
    max_differences: int,
) -> list[TableResult]:
    """Compare a snapshot with Silver, which is first merged up to `upto`, a cut not earlier than the snapshot."""

    def compare_contract(contract: Contract, silver: SilverChecksums | LakehouseError) -> TableResult:
        if isinstance(silver, LakehouseError):
            return TableResult(contract.table, error=silver)
        try:
            return _compare_table(conn, contract, silver, max_differences)
        except LakehouseError as error:
            return TableResult(contract.table, error=error)

    silver_results = parallel_map_collecting_errors(
        lambda contract: _checksum_silver(lake, contract, pg_snapshot, upto[contract.table]), contracts
    )
    return [compare_contract(*pair) for pair in zip(contracts, silver_results, strict=True)]


def _checksum_silver(lake: Lake, contract: Contract, pg_snapshot: Snapshot, upto: Offsets) -> SilverChecksums:
    catch_up(lake, contract, upto)
    visible = visible_rows(lake, contract, pg_snapshot)
    return SilverChecksums(
        visible, checksums.spark_checksums(visible.rows, contract), checksums.spark_key_texts(visible.refused, contract)
    )


def _compare_table(conn: Connection, contract: Contract, silver: SilverChecksums, max_differences: int) -> TableResult:
    source = checksums.postgres_checksums(conn, contract, silver.refused)
    buckets = differing_buckets(source, silver.buckets)
    described: list[str] = []
    if sampled_buckets := buckets[:max_differences]:
        described = describe_differences(
            checksums.postgres_row_hashes(conn, contract, sampled_buckets, silver.refused),
            checksums.spark_row_hashes(silver.visible.rows, contract, sampled_buckets),
            [*contract.columns],
        )
    return TableResult(
        contract.table,
        source_rows=sum(rows for rows, _ in source.values()),
        silver_rows=sum(rows for rows, _ in silver.buckets.values()),
        refused=len(silver.refused),
        differing_bucket_count=len(buckets),
        differences=described[:max_differences],
    )
