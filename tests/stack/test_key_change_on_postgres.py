"""A changed primary key: the old key goes, the row goes on under the new one, with every value that was left out."""

import pytest

from lakehouse.cdc.contract import Contract, Rule
from lakehouse.cdc.merge.envelope import DELETE
from lakehouse.cdc.merge.silver import catch_up
from stack.cdc_harness import CdcHarness, HarnessFactory
from stack.silver_diff import differences

LETTERS = Contract(
    table="letters",
    key=("id",),
    columns={"id": "int", "size": "int", "body": "string"},
    rules=(Rule("size_negative", when="size < 0", message="taille négative"),),
)
# EXTERNAL: stored apart and never compressed, so that a change that does not touch it leaves it out.
TABLE = """
    CREATE TABLE letters (id int PRIMARY KEY, size int, body text);
    ALTER TABLE letters ALTER body SET STORAGE EXTERNAL;
    INSERT INTO letters SELECT n, n, repeat(chr(96 + n), 9000) FROM generate_series(1, 9) n;
"""
SWAP = """
    UPDATE letters SET id = -7 WHERE id = 7;
    UPDATE letters SET id = 7 WHERE id = 8;
    UPDATE letters SET id = 8 WHERE id = -7
"""


@pytest.mark.long
def test_chains_and_swaps_of_key_changes_keep_toasted_values(make_harness: HarnessFactory) -> None:
    harness = make_harness([LETTERS], TABLE)
    [letters] = harness.contracts
    harness.start()
    harness.drain()
    harness.execute(
        "UPDATE letters SET id = 11 WHERE id = 1",
        "UPDATE letters SET id = 12 WHERE id = 11",
        "UPDATE letters SET id = 22, size = 22 WHERE id = 2",
        "UPDATE letters SET id = 2 WHERE id = 22",
        "UPDATE letters SET id = 33, size = -3 WHERE id = 3",
        "UPDATE letters SET id = 44 WHERE id = 4",
        "DELETE FROM letters WHERE id = 5",
        "UPDATE letters SET id = 5 WHERE id = 6",
        SWAP,
        "INSERT INTO letters VALUES (6, 66, repeat('z', 9000))",
        "UPDATE letters SET id = 13 WHERE id = 12",
    )
    harness.drain()
    _merge_up_to_the_last_delete(harness)
    assert harness.merge_silver()[0].changes == 1
    assert differences(harness, letters) == ["33: only in Postgres"]
    harness.execute("UPDATE letters SET id = 34, size = 3 WHERE id = 33", "UPDATE letters SET size = 14 WHERE id = 13")
    harness.merge_silver()
    assert differences(harness, letters) == []
    assert harness.lake.quarantine().where("closed_at IS NULL").count() == 0


def _merge_up_to_the_last_delete(harness: CdcHarness) -> None:
    """Bring Silver to where the last changed key is gone and its new one not yet there."""
    [letters] = harness.contracts
    [(topic_partition, end)] = harness.lake.catalog.bronze_offsets(letters).items()
    last_two = harness.lake.read("bronze", "letters").where(f"offset >= {end - 1}").orderBy("offset").collect()
    assert [message.op for message in last_two] == [DELETE, "c"]
    catch_up(harness.lake, letters, {topic_partition: end - 1})
