"""The run names the rows whose refusal is open and their employees, and no address."""

from pathlib import Path

import pytest
from deltalake import QueryBuilder, write_deltalake

from lakehouse.cdc.table_store import TableStore
from lakehouse.refresh.open_refusals import OpenRefusals, read_open_refusals

ENTRIES = """
    SELECT table_name, key, subject, CAST("offset" AS BIGINT) AS "offset",
      to_timestamp_micros("offset") AT TIME ZONE 'UTC' AS committed_at,
      CASE WHEN resolved THEN to_timestamp_micros(1) AT TIME ZONE 'UTC' END AS resolved_at
    FROM (VALUES {values}) AS entry (table_name, key, subject, "offset", resolved)
"""


def write_entries(store: TableStore, values: str) -> None:
    entries = QueryBuilder().execute(ENTRIES.format(values=values)).read_all()
    write_deltalake(store.path("silver", "quarantine"), entries, mode="append", schema_mode="merge")


@pytest.fixture
def store(tmp_path: Path) -> TableStore:
    store = TableStore(str(tmp_path))
    store.create_quarantine()
    return store


def test_open_refusals_are_named_by_row_and_employee_and_addresses_are_not(store: TableStore) -> None:
    assert read_open_refusals(store) == {}
    write_entries(
        store,
        """
        ('rh_employees', '{"id":9}', '9', 1, false), ('rh_employees', '{"id":10}', '10', 2, false),
        ('rh_employees', '{"id":9}', '9', 3, false), ('rh_employees', '{"id":8}', '8', 4, true),
        ('rh_employees', '{}', NULL, 5, false), ('distance_cache', '{"id":1}', '1 rue X', 1, false)
        """,
    )
    assert read_open_refusals(store) == {
        "distance_cache": OpenRefusals(1, ['{"id":1}'], []),
        "rh_employees": OpenRefusals(4, ["{}", '{"id":9}', '{"id":10}'], [9, 10]),
    }


def test_of_many_open_refusals_all_are_counted_and_the_newest_named(store: TableStore) -> None:
    values = ", ".join(f"('rh_employees', '{{\"id\":{n}}}', '{n}', {n}, false)" for n in range(50))
    write_entries(store, values)
    refusals = read_open_refusals(store)["rh_employees"]
    assert (refusals.changes, refusals.employees) == (50, [*range(30, 50)])
