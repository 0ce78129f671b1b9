"""A reconciliation: Silver brought up to now and compared, table by table, with what Postgres held a moment ago."""

from collections.abc import Sequence
from dataclasses import dataclass

import psycopg

from lakehouse.cdc.contract import Contract
from lakehouse.cdc.lake import Lake
from lakehouse.cdc.positions import Positions
from lakehouse.cdc.side_by_side import each_or_why
from lakehouse.cdc.silver import catch_up
from lakehouse.errors import LakehouseError
from lakehouse.reconcile import snapshot, sums
from lakehouse.reconcile.as_seen import Seen, as_seen
from lakehouse.reconcile.compare import differences, differing
from lakehouse.reconcile.snapshot import Snapshot
from lakehouse.settings import Settings
from lakehouse.source import cut


@dataclass(frozen=True)
class Compared:
    """What came out for a table: the rows on both sides, without the refused ones, and the first differences.

    `buckets` differ, each in a key at least. Where the table could not be compared, `error` says why.
    """

    table: str
    source_rows: int = 0
    silver_rows: int = 0
    refused: int = 0
    buckets: int = 0
    differences: Sequence[str] = ()
    error: LakehouseError | None = None

    @property
    def equal(self) -> bool:
        return not self.buckets and self.error is None


@dataclass(frozen=True)
class Summed:
    """Silver's side of a table."""

    seen: Seen
    sums: sums.Sums
    refused: Sequence[str]


def reconcile(
    settings: Settings, lake: Lake, contracts: Sequence[Contract], *, patience: float, show: int
) -> list[Compared]:
    """Compare Silver with Postgres as it is now; of each table's differences give the first `show`.

    Raises NotReady when what Postgres has committed is not in Bronze within `patience` seconds.
    """
    lake.catalog.make_quarantine()
    for contract in contracts:
        lake.catalog.make_silver(contract)
    with snapshot.held(settings, contracts, patience) as (conn, now):
        return compare(conn, now, lake, contracts, cut.of_everything(settings, lake.catalog, contracts, patience), show)


def compare(
    conn: psycopg.Connection, now: Snapshot, lake: Lake, contracts: Sequence[Contract], upto: cut.Cut, show: int
) -> list[Compared]:
    """Compare what the transaction sees with Silver, brought up to a cut that is no earlier."""

    def both(contract: Contract, silver: Summed | LakehouseError) -> Compared:
        if isinstance(silver, LakehouseError):
            return Compared(contract.table, error=silver)
        try:
            return _compared(conn, contract, silver, show)
        except LakehouseError as error:
            return Compared(contract.table, error=error)

    summed = each_or_why(lambda contract: _summed(lake, contract, now, upto[contract.table]), contracts)
    return [both(*one) for one in zip(contracts, summed, strict=True)]


def _summed(lake: Lake, contract: Contract, now: Snapshot, upto: Positions) -> Summed:
    catch_up(lake, contract, upto)
    seen = as_seen(lake, contract, now)
    return Summed(seen, sums.sums_in_spark(seen.rows, contract), sums.keys_in_spark(seen.refused, contract))


def _compared(conn: psycopg.Connection, contract: Contract, silver: Summed, show: int) -> Compared:
    source = sums.sums_in_postgres(conn, contract, silver.refused)
    buckets = differing(source, silver.sums)
    found: list[str] = []
    if chosen := buckets[:show]:
        found = differences(
            sums.rows_in_postgres(conn, contract, chosen, silver.refused),
            sums.rows_in_spark(silver.seen.rows, contract, chosen),
            [*contract.columns],
        )
    return Compared(
        contract.table,
        source_rows=sum(rows for rows, _ in source.values()),
        silver_rows=sum(rows for rows, _ in silver.sums.values()),
        refused=len(silver.refused),
        buckets=len(buckets),
        differences=found[:show],
    )
