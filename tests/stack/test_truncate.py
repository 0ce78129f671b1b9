"""TRUNCATE: every row before it goes, what follows stands, and the versions say when."""

from collections import Counter

import pytest

from lakehouse.cdc.contract import Contract
from lakehouse.cdc.merge.envelope import DELETE
from spark.messages import SHOES
from stack.cdc_harness import CdcHarness, HarnessFactory
from stack.silver_diff import differences

LACES = Contract(table="laces", key=("id",), columns={"id": "int", "shoe": "int"})
TABLES = """
    CREATE TABLE shoes (id int PRIMARY KEY, size int, note text, price numeric(12,2));
    CREATE TABLE laces (id int PRIMARY KEY, shoe int REFERENCES shoes);
    INSERT INTO shoes VALUES (1, 41), (2, 42);
    INSERT INTO laces VALUES (10, 1), (20, 2)
"""
TRUNCATE_IN_A_TRANSACTION = """
    BEGIN;
    INSERT INTO shoes VALUES (3, 43), (4, 44);
    DELETE FROM shoes WHERE id = 4;
    TRUNCATE shoes CASCADE;
    INSERT INTO shoes VALUES (2, 52), (5, 45);
    INSERT INTO laces VALUES (50, 5);
    COMMIT
"""


@pytest.mark.long
def test_truncate_deletes_earlier_rows_and_keeps_later_ones(make_harness: HarnessFactory) -> None:
    harness = make_harness([SHOES, LACES], TABLES)
    harness.start()
    harness.merge_silver()
    harness.execute(TRUNCATE_IN_A_TRANSACTION, "INSERT INTO laces VALUES (20, 2)")
    harness.merge_silver()
    assert [differences(harness, contract) for contract in harness.contracts] == [[], []]
    assert [_delete_counts(harness, table) for table in ("shoes", "laces")] == [
        {1: 1, 2: 1, 3: 1, 4: 1},
        {10: 1, 20: 1},
    ]
    harness.execute("TRUNCATE laces", "TRUNCATE laces")
    harness.merge_silver()
    assert [differences(harness, contract) for contract in harness.contracts] == [[], []]
    assert _delete_counts(harness, "laces") == {10: 1, 20: 2, 50: 1}


def _delete_counts(harness: CdcHarness, table: str) -> dict[int, int]:
    """Give how many deletes the versions hold of each key."""
    [contract] = [one for one in harness.contracts if one.table == table]
    deletes = harness.lake.versions(contract).where(f"_op = '{DELETE}' AND id IS NOT NULL").collect()
    return Counter(version.id for version in deletes)
