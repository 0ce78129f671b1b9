"""A changed primary key: the old key goes, the row goes on under the new one, with every value that was left out."""

from lakehouse.cdc import table_stats
from lakehouse.cdc.merge.envelope import DELETE
from lakehouse.cdc.merge.silver import catch_up
from stack.cdc_harness import CdcHarness, HarnessFactory
from stack.hazard_tables import RENUMBERED
from stack.silver_diff import differences

SWAP = """
    UPDATE renumbered_letters SET id = -7 WHERE id = 7;
    UPDATE renumbered_letters SET id = 7 WHERE id = 8;
    UPDATE renumbered_letters SET id = 8 WHERE id = -7
"""


def test_chains_and_swaps_of_key_changes_keep_toasted_values(share_harness: HarnessFactory) -> None:
    """Take over 20 s: each batch is merged alone, and each key change of a row needs a round of its own."""
    harness = share_harness(RENUMBERED)
    [letters] = harness.contracts
    harness.drain()
    harness.execute(
        "UPDATE renumbered_letters SET id = 11 WHERE id = 1",
        "UPDATE renumbered_letters SET id = 12 WHERE id = 11",
        "UPDATE renumbered_letters SET id = 22, size = 22 WHERE id = 2",
        "UPDATE renumbered_letters SET id = 2 WHERE id = 22",
        "UPDATE renumbered_letters SET id = 33, size = -3 WHERE id = 3",
        "UPDATE renumbered_letters SET id = 44 WHERE id = 4",
        "DELETE FROM renumbered_letters WHERE id = 5",
        "UPDATE renumbered_letters SET id = 5 WHERE id = 6",
        SWAP,
        "INSERT INTO renumbered_letters VALUES (6, 66, repeat('z', 9000))",
        "UPDATE renumbered_letters SET id = 13 WHERE id = 12",
    )
    harness.drain()
    _merge_up_to_the_last_delete(harness)
    assert harness.merge_silver()[0].changes == 1
    assert differences(harness, letters) == ["33: only in Postgres"]
    harness.execute(
        "UPDATE renumbered_letters SET id = 34, size = 3 WHERE id = 33",
        "UPDATE renumbered_letters SET size = 14 WHERE id = 13",
    )
    harness.merge_silver()
    assert differences(harness, letters) == []
    assert harness.lake.quarantine().where(f"table_name = '{RENUMBERED.table}' AND resolved_at IS NULL").count() == 0


def _merge_up_to_the_last_delete(harness: CdcHarness) -> None:
    """Bring Silver to where the last changed key is gone and its new one not yet there."""
    [letters] = harness.contracts
    [(topic_partition, end)] = table_stats.bronze_offsets(harness.lake.store, letters).items()
    last_two = harness.lake.read("bronze", RENUMBERED.table).where(f"offset >= {end - 1}").orderBy("offset").collect()
    assert [message.op for message in last_two] == [DELETE, "c"]
    catch_up(harness.lake, letters, {topic_partition: end - 1})
