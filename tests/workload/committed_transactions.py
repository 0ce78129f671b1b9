"""What a workload did to Postgres: each change that was committed, in the order of the commits."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

Key = int | date
Row = Mapping[str, Any]
# A parent comes before its children; every table's key is one column.
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
    """One row's change, as its message will name it; a changed key is two. TRUNCATE has no key, a delete no row."""

    table: str
    op: str
    key: Key | None
    row: Row | None = None


Transaction = Sequence[Change]
DatabaseState = Mapping[str, Mapping[Key, Row]]


def state_after(transactions: Iterable[Transaction]) -> DatabaseState:
    """Give what Postgres holds after these transactions, by table and key."""
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
    """Give what a connector that starts after these transactions reads: the rows that are there."""
    state = state_after(transactions)
    return [Change(table, READ, key, row) for table, rows in state.items() for key, row in rows.items()]
