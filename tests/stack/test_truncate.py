"""TRUNCATE: every row before it goes, what follows stands, and the versions say when."""

from collections import Counter

import pytest

from lakehouse.cdc.contract import Contract
from lakehouse.cdc.envelope import DELETE
from spark.messages import SHOES
from stack.compare import differences
from stack.lab import Bench, Lab

LACES = Contract(table="laces", key=("id",), columns={"id": "int", "shoe": "int"})
TABLES = """
    CREATE TABLE shoes (id int PRIMARY KEY, size int, note text, price numeric(12,2));
    CREATE TABLE laces (id int PRIMARY KEY, shoe int REFERENCES shoes);
    INSERT INTO shoes VALUES (1, 41), (2, 42);
    INSERT INTO laces VALUES (10, 1), (20, 2)
"""
ALL_AT_ONCE = """
    BEGIN;
    INSERT INTO shoes VALUES (3, 43), (4, 44);
    DELETE FROM shoes WHERE id = 4;
    TRUNCATE shoes CASCADE;
    INSERT INTO shoes VALUES (2, 52), (5, 45);
    INSERT INTO laces VALUES (50, 5);
    COMMIT
"""


@pytest.mark.long
def test_a_truncate_deletes_what_was_there_and_what_follows_stands(lab: Lab) -> None:
    bench = lab([SHOES, LACES], TABLES)
    bench.start()
    bench.refresh()
    bench.execute(ALL_AT_ONCE, "INSERT INTO laces VALUES (20, 2)")
    bench.refresh()
    assert [differences(bench, contract) for contract in bench.contracts] == [[], []]
    assert [_deleted(bench, table) for table in ("shoes", "laces")] == [{1: 1, 2: 1, 3: 1, 4: 1}, {10: 1, 20: 1}]
    bench.execute("TRUNCATE laces", "TRUNCATE laces")
    bench.refresh()
    assert [differences(bench, contract) for contract in bench.contracts] == [[], []]
    assert _deleted(bench, "laces") == {10: 1, 20: 2, 50: 1}


def _deleted(bench: Bench, table: str) -> dict[int, int]:
    """Give how many deletes the versions hold of each key."""
    [contract] = [one for one in bench.contracts if one.table == table]
    deletes = bench.lake.versions(contract).where(f"_op = '{DELETE}' AND id IS NOT NULL").collect()
    return Counter(version.id for version in deletes)
