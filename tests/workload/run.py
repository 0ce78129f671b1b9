"""Run a plan on Postgres and its lake, and note what Postgres held where the plan says to look."""

from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass

import psycopg
from psycopg.rows import dict_row

from lakehouse.cdc.contract import Contract
from lakehouse.cdc.side_by_side import side_by_side
from lakehouse.cdc.silver import catch_up
from lakehouse.source.postgres import connect
from stack.lab import Bench
from workload.plan import Look, Plan, Refresh, Start
from workload.record import KEYS, Held, Key, Row
from workload.session import Run

# In a database of its own: without what would keep Postgres from ever holding a row that a contract refuses.
LAX = """
    ALTER TABLE rh_employees ALTER salaire_brut DROP NOT NULL;
    ALTER TABLE strava_activities ALTER employee_id DROP NOT NULL;
    ALTER TABLE reward_rules DROP CONSTRAINT "bonus_rate is a fraction from 0 to 1, as 0.05 for 5 %";
    ALTER TABLE reward_rules DISABLE TRIGGER USER;
"""


@dataclass(frozen=True)
class Seen:
    """What one snapshot of Postgres held, which transactions it saw, and how many of the plan's those were."""

    held: Held
    xmin: int
    xmax: int
    running: tuple[int, ...]
    committed: int


def run(plan: Plan, bench: Bench, refreshed: Callable[[Refresh], None]) -> list[Seen]:
    """Run the steps; `refreshed` is called after each refresh. Give what was seen."""
    seen = []
    with ExitStack() as open_until_the_end:
        sessions: dict[int, psycopg.Connection] = {}
        for step in plan.steps:
            match step:
                case Run(number, sql, values):
                    if number not in sessions:
                        sessions[number] = open_until_the_end.enter_context(connect(bench.settings, autocommit=True))
                        # A plan whose sessions wait for one another is wrong.
                        sessions[number].execute("SET lock_timeout = '5s'")
                    sessions[number].execute(sql.encode(), values or None)
                case Start():
                    bench.start()
                    bench.drain()
                case Look(committed):
                    seen.append(look(bench, committed))
                case Refresh():
                    refresh(bench, step)
                    refreshed(step)
    return seen


def look(bench: Bench, committed: int) -> Seen:
    """Give all rows of all tables as one snapshot sees them."""
    with connect(bench.settings) as conn:
        conn.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        held = {table: _rows(conn, table, key) for table, key in KEYS.items()}
        xmin, xmax, *running = map(int, _one(conn).replace(",", ":").strip(":").split(":"))
        return Seen(held, xmin, xmax, tuple(running), committed)


def refresh(bench: Bench, step: Refresh) -> None:
    """Catch up each table to its share of what Bronze holds beyond Silver, be that in the middle of a transaction."""
    upto = bench.drain()

    def one(contract: Contract) -> None:
        merged, share = bench.lake.catalog.merged(contract), step.shares[contract.table]
        ends = {
            lane: merged.get(lane, -1) + round(share * (end - merged.get(lane, -1)))
            for lane, end in upto[contract.table].items()
        }
        catch_up(bench.lake, contract, ends)

    side_by_side(one, bench.contracts)  # as a refresh does: they share quarantine


def _rows(conn: psycopg.Connection, table: str, key: str) -> Mapping[Key, Row]:
    text = ", raw_payload::text AS raw_payload" if table == "strava_activities" else ""
    rows = conn.cursor(row_factory=dict_row).execute(f"SELECT *{text} FROM {table}".encode())
    return {row[key]: row for row in rows}


def _one(conn: psycopg.Connection) -> str:
    row = conn.execute("SELECT pg_current_snapshot()::text").fetchone()
    assert row
    return str(row[0])
