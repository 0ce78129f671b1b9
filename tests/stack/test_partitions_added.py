"""Partitions added to a live topic: keys move from one to another, and each row ends as Postgres holds it."""

from lakehouse.cdc import table_stats
from lakehouse.cdc.offsets import TopicPartition
from lakehouse.retries import wait_until
from lakehouse.source.postgres import connect
from spark.messages import SHOES
from stack.cdc_harness import CdcHarness, HarnessFactory
from stack.silver_diff import differences
from support.timing import seconds

# EXTERNAL: stored apart, so that a change that does not touch the note leaves it out.
TABLE = """
    CREATE TABLE shoes (id int PRIMARY KEY, size int, note text, price numeric(12,2));
    ALTER TABLE shoes ALTER note SET STORAGE EXTERNAL;
    INSERT INTO shoes SELECT n, n, repeat(chr(96 + n), 3000), n FROM generate_series(1, 20) n
"""
UPDATE_SIZES = "UPDATE shoes SET size = size + 1 WHERE id <= 15"
FIRST_PARTITION = TopicPartition(0, 0)
ALL_PARTITIONS = {TopicPartition(0, partition) for partition in range(3)}


def test_keys_moved_to_added_partitions_match_postgres(make_harness: HarnessFactory) -> None:
    """Take over 20 s: a connector of its own, since it adds partitions to a topic."""
    harness = make_harness([SHOES], TABLE)
    [shoes] = harness.contracts
    harness.create_slot()
    with connect(harness.settings) as early:
        early.execute("UPDATE shoes SET size = 100 WHERE id IN (16, 17)")
        early.execute("DELETE FROM shoes WHERE id IN (18, 19)")
        harness.start()
        # The old partition becomes the longest, so that its offsets exceed those of later changes in the added ones.
        harness.execute("DELETE FROM shoes WHERE id = 20", *[UPDATE_SIZES] * 40)
        harness.merge_silver()
        harness.add_partitions(shoes, len(ALL_PARTITIONS))
        wait_until(
            lambda: _has_messages_everywhere(harness), timeout=seconds(60), missing="messages in every partition"
        )
        early.commit()
    harness.execute(
        "DELETE FROM shoes WHERE id <= 5",
        "INSERT INTO shoes SELECT n, -n, 'back', n FROM generate_series(4, 6) n ON CONFLICT (id) DO NOTHING",
        "UPDATE shoes SET id = id + 100 WHERE id BETWEEN 7 AND 12",
        "UPDATE shoes SET id = id - 100 WHERE id BETWEEN 107 AND 109",
        "UPDATE shoes SET size = 0 WHERE id BETWEEN 13 AND 15",
    )
    harness.merge_silver()
    merged = table_stats.silver_offsets(harness.lake.store, shoes)
    assert set(merged) == ALL_PARTITIONS
    assert max(merged, key=merged.__getitem__) == FIRST_PARTITION
    assert differences(harness, shoes) == ["4: only in Postgres", "5: only in Postgres"]
    harness.execute("UPDATE shoes SET size = 1 WHERE size < 0", "DELETE FROM shoes WHERE id > 105")
    harness.merge_silver()
    assert differences(harness, shoes) == []


def _has_messages_everywhere(harness: CdcHarness) -> bool:
    harness.execute(UPDATE_SIZES)
    return set(table_stats.bronze_offsets(harness.lake.store, harness.contracts[0])) == ALL_PARTITIONS
