"""Refused changes that nothing has resolved yet: the figures of their people rest on earlier versions."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from lakehouse.cdc import table_query
from lakehouse.cdc.table_store import TableStore
from lakehouse.gold.quality import EMPLOYEE_TABLES

MAX_NAMED = 20  # of a table, the newest ones
OPEN_ENTRIES = f"""
    SELECT table_name, key, subject, open_count FROM (
        SELECT table_name, key, subject, COUNT(*) OVER (PARTITION BY table_name) AS open_count,
          ROW_NUMBER() OVER (PARTITION BY table_name ORDER BY committed_at DESC, "offset" DESC) AS place
        FROM quarantine WHERE resolved_at IS NULL
    ) WHERE place <= {MAX_NAMED} ORDER BY table_name, place
"""  # noqa: S608 - of a number of our own


@dataclass(frozen=True)
class OpenRefusals:
    """The open refusals of a table: how many, and of the newest ones the rows' keys (JSON) and their employees."""

    changes: int
    keys: Sequence[str]
    employees: Sequence[int]


def read_open_refusals(store: TableStore) -> Mapping[str, OpenRefusals]:
    """Return the open refusals by table; tables without any are left out."""
    rows = table_query.query_all(store, OPEN_ENTRIES, quarantine=("silver", "quarantine"))
    by_table: dict[str, list[Mapping[str, object]]] = {}
    for row in rows:
        by_table.setdefault(str(row["table_name"]), []).append(row)
    return {table: _summarize(of_table) for table, of_table in by_table.items()}


def _summarize(rows: Sequence[Mapping[str, object]]) -> OpenRefusals:
    return OpenRefusals(
        int(str(rows[0]["open_count"])),
        [*dict.fromkeys(str(row["key"]) for row in rows)],
        sorted(
            {
                int(str(row["subject"]))
                for row in rows
                if row["subject"] is not None and row["table_name"] in EMPLOYEE_TABLES
            }
        ),
    )
