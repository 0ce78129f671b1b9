"""Histories in Silver's versions tables, built transaction by transaction."""

from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any

from lakehouse.cdc import schemas
from lakehouse.cdc.contract import Contract
from lakehouse.cdc.lake import Lake
from lakehouse.contracts import CAPTURED, DISTANCE_CACHE, REWARD_RULES, RH_EMPLOYEES, STRAVA_ACTIVITIES
from lakehouse.contracts.ops import GoLive
from lakehouse.gold.bitemporal import AsOf, StateAsOf, state_as_of
from spark.builders import ON_FOOT, RULES, Fields, utc
from spark.columns import to_ddl

LSN_STEP = 10  # between the LSNs of two transactions, at least
GO_LIVE = GoLive(utc("2026-01-15 12:00"), 7)
JUNE, JULY = date(2026, 6, 30), date(2026, 7, 31)


@dataclass
class VersionsBuilder:
    """Transactions in commit order, for Silver's versions tables."""

    lake: Lake
    next_lsn: int = 100 + LSN_STEP
    rows: dict[str, list[Fields]] = field(default_factory=dict)

    def commit(self, at: str, *changes: tuple[Contract, str, Fields], tx_id: int | None = None) -> None:
        """Add a transaction; each change is (contract, operation, row)."""
        for n, (contract, op, row) in enumerate(changes):
            lineage = {
                "_op": op,
                "_incarnation": 1,
                "_partition": 0,
                "_offset": self.next_lsn + n,
                "_last_commit_lsn": None if op == "r" else self.next_lsn,
                "_lsn": 50 if op == "r" else self.next_lsn + n,
                "_tx_id": tx_id or self.next_lsn,
                "_committed_at": utc(at),
                "_reasons": [],
            }
            self.rows.setdefault(contract.table, []).append({**lineage, **row})
        self.next_lsn += max(LSN_STEP, len(changes))

    def write(self) -> Lake:
        """Append the transactions added so far to the lake, and return it."""
        for contract in CAPTURED:
            columns = schemas.versions(contract)
            rows = [{name: row.get(name) for name in columns} for row in self.rows.pop(contract.table, [])]
            if rows:
                frame = self.lake.spark.createDataFrame(rows, to_ddl(columns))
                self.lake.append(frame, "silver", f"{contract.table}_versions")
        return self.lake

    def state(self, as_of: date = JUNE, known_at: date | None = None, live: GoLive | None = GO_LIVE) -> StateAsOf:
        return state_as_of(self.write(), AsOf(as_of, known_at or as_of), live)

    def travel_modes(self, as_of: date, known_at: date | None = None) -> dict[int, str]:
        """Return the travel mode of each employee present, by id."""
        return {row.id: row.moyen_deplacement for row in self.state(as_of, known_at).employees.collect()}

    def bonus_rates(self, as_of: date, known_at: date) -> set[Decimal]:
        return {row.bonus_rate for row in self.state(as_of, known_at).reward_rules.collect()}

    def activity_ids(self, as_of: date, known_at: date | None = None) -> set[int]:
        return {row.activity_id for row in self.state(as_of, known_at).activities.collect()}


def employee(op: str, number: int = 1, mode: str = ON_FOOT, **fields: Any) -> tuple[Contract, str, Fields]:
    row: Fields = {"id": number}
    if op != "d":
        row |= {"moyen_deplacement": mode, "salaire_brut": Decimal("30000.00"), **fields}
    return RH_EMPLOYEES, op, row


def activity(
    op: str, number: int, employee_id: int = 1, start: str = "2026-05-01 10:00", **fields: Any
) -> tuple[Contract, str, Fields]:
    row: Fields = {"activity_id": number}
    if op != "d":
        row |= {"employee_id": employee_id, "start_date_utc": utc(start), **fields}
    return STRAVA_ACTIVITIES, op, row


def distance(op: str, metres: int, **fields: Any) -> tuple[Contract, str, Fields]:
    return DISTANCE_CACHE, op, {"id": 1, "distance_m": metres, "status": "ok", **fields}


def rule(op: str, valid_from: date, rate: str) -> tuple[Contract, str, Fields]:
    return REWARD_RULES, op, {**vars(RULES), "valid_from": valid_from, "bonus_rate": Decimal(rate)}
