"""TRUNCATE deletes every earlier row; later rows stay, and the versions record each delete."""

from collections import Counter

from lakehouse.cdc.merge.envelope import DELETE
from stack.cdc_harness import CdcHarness, HarnessFactory
from stack.hazard_tables import TRUNCATED, TRUNCATED_LACES
from stack.silver_diff import differences

TRUNCATE_IN_A_TRANSACTION = """
    BEGIN;
    INSERT INTO truncated_shoes VALUES (3, 43), (4, 44);
    DELETE FROM truncated_shoes WHERE id = 4;
    TRUNCATE truncated_shoes CASCADE;
    INSERT INTO truncated_shoes VALUES (2, 52), (5, 45);
    INSERT INTO truncated_laces VALUES (50, 5);
    COMMIT
"""


def test_truncate_deletes_earlier_rows_and_keeps_later_ones(share_harness: HarnessFactory) -> None:
    """Take over 20 s: three batches of two tables, for a TRUNCATE between and after other changes."""
    harness = share_harness(TRUNCATED, TRUNCATED_LACES)
    harness.merge_silver()
    harness.execute(TRUNCATE_IN_A_TRANSACTION, "INSERT INTO truncated_laces VALUES (20, 2)")
    harness.merge_silver()
    assert [differences(harness, contract) for contract in harness.contracts] == [[], []]
    assert [_delete_counts(harness, table) for table in ("truncated_shoes", "truncated_laces")] == [
        {1: 1, 2: 1, 3: 1, 4: 1},
        {10: 1, 20: 1},
    ]
    harness.execute("TRUNCATE truncated_laces", "TRUNCATE truncated_laces")
    harness.merge_silver()
    assert [differences(harness, contract) for contract in harness.contracts] == [[], []]
    assert _delete_counts(harness, "truncated_laces") == {10: 1, 20: 2, 50: 1}


def _delete_counts(harness: CdcHarness, table: str) -> dict[int, int]:
    """Return the number of deletes in the versions, by key."""
    [contract] = [contract for contract in harness.contracts if contract.table == table]
    deletes = harness.lake.versions(contract).where(f"_op = '{DELETE}' AND id IS NOT NULL").collect()
    return Counter(version.id for version in deletes)
