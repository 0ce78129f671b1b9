"""The proof of a run: before Gold is written, Silver is compared with Postgres by reconcile's rules and code.

Up to 200,000 rows of a table are compared by checksum, longer tables by their number of rows. In these, the rows of
the employees whose figures the run changes are compared by checksum, too.
"""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from lakehouse.cdc import table_query
from lakehouse.cdc.contract import Contract
from lakehouse.cdc.lake import Lake
from lakehouse.cdc.table_store import TableStore
from lakehouse.clock import utc_now
from lakehouse.contracts import RH_EMPLOYEES, STRAVA_ACTIVITIES
from lakehouse.errors import LakehouseError, SilverDiffers
from lakehouse.reconcile.checksums import Selection
from lakehouse.reconcile.mvcc_snapshot import Snapshot, open_snapshot
from lakehouse.reconcile.reconcile_report import REMEDY, describe
from lakehouse.reconcile.table_comparison import (
    SilverSide,
    SourceSide,
    TableResult,
    compare_table,
    read_silver,
    read_source,
    select_rows,
)
from lakehouse.settings import Settings
from lakehouse.source.consistent_cut import ConsistentCut, cut_from_json
from lakehouse.source.postgres import Connection, short_connection, sql

MAX_CHECKSUM_ROWS = 200_000  # rows of a table
MAX_NAMED_KEYS = 10  # differing keys named for a table
# No figure reads them, and they are nine tenths of the table's bytes.
PAYLOAD_COLUMNS: Mapping[str, Sequence[str]] = {STRAVA_ACTIVITIES.table: ("raw_payload",)}
SINCE_HINT = "python scripts/Jobs_Spark/reconcile.py --since names the runs that were computed from these rows."

# The states of gold.runs.proof; spark/views/v_journal.sql has them in French.
PROVED, DIFFERS, NOT_COMPARED = "proved", "differs", "not compared"
UNVERIFIED, NOT_WAITED = "unverified", "not waited"
RESTS_ON_CUT, NO_PROVED_CUT = "rests on proved cut", "no proved cut"

# The employees whose figures a run may change; None where these may be all of them.
EmployeesToProve = Callable[[], Sequence[int] | None]
SourceSides = Mapping[str, SourceSide | LakehouseError]


@dataclass(frozen=True)
class ProvedCut:
    """A cut of which Silver was equal to Postgres, and when the compared snapshot was opened."""

    offsets: ConsistentCut
    proved_at: datetime


class Proof:
    """What a run knows of Silver's being right: by itself nothing, but `cut`, that of an earlier run, if it has one."""

    def __init__(self, state: str = NOT_COMPARED, cut: ProvedCut | None = None) -> None:
        self.state, self.cut = state, cut
        self.results: list[TableResult] = []

    def read_silver(self, lake: Lake, contract: Contract) -> None:
        """Read Silver's side of a table that is merged up to the run's cut."""

    def leave_out(self, tables: Collection[str]) -> None:
        """Leave out tables of which no figure is computed."""

    def ensure_equal(self, cut: ConsistentCut, employees: EmployeesToProve) -> None:
        """Raise SilverDiffers where a table's Silver differs from Postgres."""

    @property
    def proved_rows(self) -> int:
        """The number of rows compared by checksum."""
        return sum(result.silver_rows for result in self.results if result.is_checksum)

    @property
    def counted_rows(self) -> int:
        """The number of rows of the tables that were compared by their number of rows."""
        return sum(result.silver_rows for result in self.results if not result.is_checksum)

    def tables(self) -> Mapping[str, Mapping[str, int]]:
        """Return by table the rows compared by checksum, those counted, and the keys left out as refused."""
        by_table: dict[str, dict[str, int]] = {}
        for result in self.results:
            counts = by_table.setdefault(result.table, {})
            counts["checksum" if result.is_checksum else "count"] = result.silver_rows
            counts["left_out"] = result.refused
        return by_table


class SnapshotProof(Proof):
    """A comparison with an open Postgres snapshot, which is not later than the run's cut.

    Postgres's side is read in the background, while Spark starts and merges.
    """

    def __init__(
        self, conn: Connection, snapshot: Snapshot, source_sides: "Future[SourceSides]", max_checksum_rows: int
    ) -> None:
        super().__init__()
        self._conn, self._snapshot, self._source_sides = conn, snapshot, source_sides
        self._max_checksum_rows, self._opened_at = max_checksum_rows, utc_now()
        self._silver_sides: list[SilverSide] = []

    def read_silver(self, lake: Lake, contract: Contract) -> None:
        self._silver_sides.append(read_silver(lake, contract, self._snapshot, self._max_checksum_rows))

    def leave_out(self, tables: Collection[str]) -> None:
        self._silver_sides = [silver for silver in self._silver_sides if silver.contract.table not in tables]

    def ensure_equal(self, cut: ConsistentCut, employees: EmployeesToProve) -> None:
        source_sides = self._source_sides.result()
        self.results = [self._compare(silver, source_sides.get(silver.contract.table)) for silver in self._silver_sides]
        counted = [result.table for result in self.results if not result.is_checksum]
        if counted and not self._differing():
            long_tables = [silver for silver in self._silver_sides if silver.contract.table in counted]
            ids = employees()
            if ids is None:  # their checksums say more than their counts
                self.results = [result for result in self.results if result.is_checksum]
            self.results += self._compare_employees(long_tables, ids)
        # Its locks are released before Gold is written.
        self._conn.close()
        if self._differing():
            self.state = DIFFERS
            raise SilverDiffers(
                "Silver differs from Postgres, so no figure was computed and Gold is unchanged.\n"
                + "\n".join([*describe(self.results), REMEDY, SINCE_HINT])
            )
        if self.results:
            self.state, self.cut = PROVED, ProvedCut(cut, self._opened_at)

    def _differing(self) -> list[TableResult]:
        return [result for result in self.results if not result.is_equal]

    def _compare(self, silver: SilverSide, source: SourceSide | LakehouseError | None) -> TableResult:
        if isinstance(source, LakehouseError):
            raise source
        return compare_table(self._conn, silver, MAX_NAMED_KEYS, source)

    def _compare_employees(self, tables: Sequence[SilverSide], ids: Sequence[int] | None) -> Iterator[TableResult]:
        """Yield the result of each long table, for these employees' rows by checksum; None is all rows."""
        values: dict[str, Sequence[Any]] = {} if ids is None else {RH_EMPLOYEES.key[0]: ids}
        for silver in tables:
            if ids is None:
                yield compare_table(self._conn, silver, MAX_NAMED_KEYS)
            elif silver.contract.subject and ids:
                column, key = silver.contract.subject
                if key not in values:
                    values[key] = self._values_of(ids, key)
                names = [
                    name
                    for name in silver.contract.columns
                    if name not in PAYLOAD_COLUMNS.get(silver.contract.table, ())
                ]
                yield compare_table(
                    self._conn, select_rows(silver, Selection(names, column, values[key])), MAX_NAMED_KEYS
                )

    def _values_of(self, ids: Sequence[int], column: str) -> Sequence[Any]:
        query = sql.SQL("SELECT DISTINCT {column} FROM {table} WHERE {key} = ANY (%s) AND {column} IS NOT NULL").format(
            column=sql.Identifier(column),
            table=sql.Identifier(RH_EMPLOYEES.schema, RH_EMPLOYEES.table),
            key=sql.Identifier(RH_EMPLOYEES.key[0]),
        )
        return [value for (value,) in self._conn.execute(query, [[*ids]]).fetchall()]


@contextmanager
def snapshot_proof(
    settings: Settings, contracts: Sequence[Contract], timeout: float, max_checksum_rows: int = MAX_CHECKSUM_ROWS
) -> Iterator[Proof]:
    """Open a snapshot of the tables that exist, and yield the proof; the run's cut must be fixed after this.

    Raises NotReady where a table stays locked for `timeout` seconds.
    """
    with short_connection(settings) as conn:
        existing = [contract for contract in contracts if _exists(conn, contract)]

    def read_all(conn: Connection) -> SourceSides:
        return {contract.table: _read_or_error(conn, contract, max_checksum_rows) for contract in existing}

    with open_snapshot(settings, existing, timeout) as (conn, snapshot), ThreadPoolExecutor(1) as pool:
        yield SnapshotProof(conn, snapshot, pool.submit(read_all, conn), max_checksum_rows)


def earlier_proof(store: TableStore) -> Proof:
    """Return the proof of a run that compares nothing: it rests on the cut of the last successful proved run."""
    found = table_query.query_one(
        store,
        f"""
        SELECT last_value(proved_cut ORDER BY finished_at) AS cut,
          last_value(proved_at ORDER BY finished_at) AS proved_at
        FROM runs WHERE outcome = 'ok' AND proof = '{PROVED}'
        """,  # noqa: S608 - of a constant of our own
        runs=("gold", "runs"),
    )
    if not found["cut"]:
        return Proof(NO_PROVED_CUT)
    return Proof(RESTS_ON_CUT, ProvedCut(cut_from_json(found["cut"]), found["proved_at"]))


def _exists(conn: Connection, contract: Contract) -> bool:
    return conn.execute("SELECT to_regclass(%s) IS NOT NULL", [f"{contract.schema}.{contract.table}"]).fetchone() == (
        True,
    )


def _read_or_error(conn: Connection, contract: Contract, max_rows: int) -> SourceSide | LakehouseError:
    try:
        return read_source(conn, contract, max_rows)
    except LakehouseError as error:
        return error
