"""The execution of a plan on Postgres and its lake, with snapshots of Postgres at the plan's steps."""

from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass

from lakehouse.cdc import table_stats
from lakehouse.cdc.contract import Contract
from lakehouse.cdc.merge.silver import catch_up
from lakehouse.source.postgres import Connection, connect
from lakehouse.spark.parallel import parallel_map
from stack.cdc_harness import CdcHarness
from support.postgres_rows import as_dicts
from workload.committed_transactions import KEYS, DatabaseState, Key, Row
from workload.plan import Plan, Refresh, StartConnector, TakeSnapshot
from workload.session_model import Statement

# Applied to a test's own database, so that Postgres accepts the rows that a contract refuses.
RELAX_CONSTRAINTS = """
    ALTER TABLE rh_employees ALTER salaire_brut DROP NOT NULL;
    ALTER TABLE strava_activities ALTER employee_id DROP NOT NULL;
    ALTER TABLE reward_rules DROP CONSTRAINT "bonus_rate is a fraction from 0 to 1, as 0.05 for 5 %";
    ALTER TABLE reward_rules DISABLE TRIGGER USER;
"""


@dataclass(frozen=True)
class PostgresSnapshot:
    """All rows of one Postgres snapshot, its visible transactions, and how many of the plan's had committed.

    xmin, xmax and xip are those of Postgres's pg_snapshot.
    """

    state: DatabaseState
    xmin: int
    xmax: int
    xip: tuple[int, ...]
    transaction_count: int


def execute(plan: Plan, harness: CdcHarness, after_refresh: Callable[[Refresh], None]) -> list[PostgresSnapshot]:
    """Run the plan's steps, and return its snapshots; `after_refresh` is called after each refresh."""
    snapshots = []
    with ExitStack() as connections:
        sessions: dict[int, Connection] = {}
        for step in plan.steps:
            match step:
                case Statement(number, sql, values):
                    if number not in sessions:
                        sessions[number] = connections.enter_context(connect(harness.settings, autocommit=True))
                        # A plan in which a session waits for another one's lock is a mistake.
                        sessions[number].execute("SET lock_timeout = '5s'")
                    sessions[number].execute(sql, values or None)
                case StartConnector():
                    harness.start()
                    harness.drain()
                case TakeSnapshot(committed):
                    snapshots.append(take_snapshot(harness, committed))
                case Refresh():
                    catch_up_to_shares(harness, step)
                    after_refresh(step)
    return snapshots


def take_snapshot(harness: CdcHarness, transaction_count: int) -> PostgresSnapshot:
    """Return all rows of all tables, read in one repeatable-read transaction."""
    with connect(harness.settings) as conn:
        conn.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        state = {table: _rows(conn, table, key) for table, key in KEYS.items()}
        xmin, xmax, *xip = map(int, _current_snapshot(conn).replace(",", ":").strip(":").split(":"))
        return PostgresSnapshot(state, xmin, xmax, tuple(xip), transaction_count)


def catch_up_to_shares(harness: CdcHarness, step: Refresh) -> None:
    """Merge each table's share of the new Bronze rows into Silver, possibly up to the middle of a transaction."""
    end_offsets = harness.drain()

    def catch_up_table(contract: Contract) -> None:
        merged_offsets, share = table_stats.silver_offsets(harness.lake.store, contract), step.shares[contract.table]
        target_offsets = {
            topic_partition: merged_offsets.get(topic_partition, -1)
            + round(share * (end - merged_offsets.get(topic_partition, -1)))
            for topic_partition, end in end_offsets[contract.table].items()
        }
        catch_up(harness.lake, contract, target_offsets)

    parallel_map(catch_up_table, harness.contracts)  # in parallel, as a refresh does: the tables share quarantine


def _rows(conn: Connection, table: str, key: str) -> Mapping[Key, Row]:
    payload_text = ", raw_payload::text AS raw_payload" if table == "strava_activities" else ""
    rows = as_dicts(conn.execute(f"SELECT *{payload_text} FROM {table}"))
    return {row[key]: row for row in rows}


def _current_snapshot(conn: Connection) -> str:
    row = conn.execute("SELECT pg_current_snapshot()::text").fetchone()
    assert row
    return str(row[0])
