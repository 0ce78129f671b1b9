"""Late arrival: a key moved to a new partition, and the tail of its old partition is merged after the new one."""

from lakehouse.cdc import table_stats
from lakehouse.cdc.merge.silver import catch_up
from lakehouse.cdc.offsets import TopicPartition
from lakehouse.retries import wait_until
from stack.cdc_harness import CdcHarness, HarnessFactory
from stack.hazard_tables import REPARTITIONED
from stack.silver_diff import differences
from support.timing import seconds

FIRST = TopicPartition(0, 0)
PARTITION_COUNT = 3


def test_tail_of_the_old_partition_that_arrives_late_changes_no_moved_row(share_harness: HarnessFactory) -> None:
    """Take over 20 s: the producer notices new partitions late, and the late tail rebuilds Silver."""
    harness = share_harness(REPARTITIONED)
    [shoes] = harness.contracts
    harness.merge_silver()
    merged_before_tail = table_stats.bronze_offsets(harness.lake.store, shoes)[FIRST]
    harness.execute(
        "UPDATE repartitioned_shoes SET size = 100 + id, note = 'old' WHERE id <= 6",
        "DELETE FROM repartitioned_shoes WHERE id IN (7, 8)",
    )
    harness.drain()
    harness.add_partitions(shoes, PARTITION_COUNT)
    wait_until(lambda: _is_everywhere(harness), timeout=seconds(60), missing="messages in every partition")
    harness.execute(
        "UPDATE repartitioned_shoes SET size = 200 + id, note = 'new' WHERE id <= 6",
        "INSERT INTO repartitioned_shoes VALUES (7, 207, 'back', 7)",
        "UPDATE repartitioned_shoes SET id = -id WHERE id IN (5, 6)",
    )
    offsets = harness.drain()[shoes.table]
    catch_up(harness.lake, shoes, {**offsets, FIRST: merged_before_tail})
    moved = _sizes(harness)
    assert {size for size in moved.values() if size > 200}  # some keys moved, and their new rows are there already
    harness.merge_silver()
    assert {key: size for key, size in _sizes(harness).items() if moved.get(key, 0) > 200} == {
        key: size for key, size in moved.items() if size > 200
    }
    assert differences(harness, shoes) == []


def _is_everywhere(harness: CdcHarness) -> bool:
    """Change rows of some keys, and return whether every partition has had messages."""
    harness.execute("UPDATE repartitioned_shoes SET size = size + 1 WHERE id BETWEEN 9 AND 12")
    return len(table_stats.bronze_offsets(harness.lake.store, harness.contracts[0])) == PARTITION_COUNT


def _sizes(harness: CdcHarness) -> dict[int, int]:
    return {row.id: row["size"] for row in harness.lake.silver(harness.contracts[0]).select("id", "size").collect()}
