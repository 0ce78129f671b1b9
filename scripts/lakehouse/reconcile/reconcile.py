"""A reconciliation: merge Silver up to a consistent cut, then compare each table with one Postgres snapshot."""

from collections.abc import Sequence
from dataclasses import replace

from lakehouse.cdc.contract import Contract
from lakehouse.cdc.lake import Lake
from lakehouse.cdc.merge.silver import catch_up
from lakehouse.cdc.offset_check import find_offset_problems
from lakehouse.errors import LakehouseError
from lakehouse.reconcile import mvcc_snapshot
from lakehouse.reconcile.mvcc_snapshot import Snapshot
from lakehouse.reconcile.table_comparison import SilverSide, TableResult, compare_table, read_silver
from lakehouse.settings import Settings
from lakehouse.source import consistent_cut
from lakehouse.source.postgres import Connection
from lakehouse.spark.parallel import parallel_map_collecting_errors


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

    def merge_and_read(contract: Contract) -> SilverSide:
        catch_up(lake, contract, upto[contract.table])
        return read_silver(lake, contract, pg_snapshot)

    silver_sides = parallel_map_collecting_errors(merge_and_read, contracts)
    return [
        _compare_or_error(conn, contract.table, silver, max_differences)
        for contract, silver in zip(contracts, silver_sides, strict=True)
    ]


def _compare_or_error(
    conn: Connection, table: str, silver: SilverSide | LakehouseError, max_differences: int
) -> TableResult:
    """Return a table's result; with the error where Silver was not merged, or the table cannot be compared."""
    if isinstance(silver, LakehouseError):
        return TableResult(table, error=silver)
    try:
        return compare_table(conn, silver, max_differences)
    except LakehouseError as error:
        return TableResult(table, error=error)
