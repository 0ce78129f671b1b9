"""The changes that a workload commits in Postgres, in commit order, and the state after them."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

Key = int | date
Row = Mapping[str, Any]
# Parent tables come before their children; every table's key is one column.
KEYS = {
    "rh_employees": "id",
    "sport_activities": "id",
    "strava_activities": "activity_id",
    "distance_cache": "id",
    "reward_rules": "valid_from",
}
CREATE, UPDATE, DELETE, TRUNCATE, READ = "c", "u", "d", "t", "r"


@dataclass(frozen=True)
class Change:
    """A row's change, with Debezium's operation code. A key change is two of them: a delete and an insert.

    A TRUNCATE has no key, and a delete no row.
    """

    table: str
    op: str
    key: Key | None
    row: Row | None = None


Transaction = Sequence[Change]
DatabaseState = Mapping[str, Mapping[Key, Row]]


def state_after(transactions: Iterable[Transaction]) -> DatabaseState:
    """Return the rows in Postgres after these transactions, by table and key."""
    tables: dict[str, dict[Key, Row]] = {table: {} for table in KEYS}
    for change in (change for transaction in transactions for change in transaction):
        rows = tables[change.table]
        if change.key is None:
            rows.clear()
        elif change.row is None:
            del rows[change.key]
        else:
            rows[change.key] = change.row
    return tables


def as_initial_snapshot(transactions: Iterable[Transaction]) -> Transaction:
    """Return the initial snapshot of a connector that starts after these transactions, as one transaction of reads."""
    state = state_after(transactions)
    return [Change(table, READ, key, row) for table, rows in state.items() for key, row in rows.items()]
