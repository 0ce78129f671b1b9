"""A blocking snapshot of some rows of a live table: these rows are read again, and the others stay."""

from lakehouse.retries import wait_until
from stack.cdc_harness import CdcHarness, HarnessFactory
from stack.hazard_tables import BLOCKING
from stack.silver_diff import differences
from support.timing import seconds


def test_blocking_snapshot_of_some_rows_leaves_the_others_unchanged(share_harness: HarnessFactory) -> None:
    """Take up to 20 s: the connector stops streaming for the snapshot, and starts again."""
    harness = share_harness(BLOCKING)
    [shoes] = harness.contracts
    harness.drain()
    harness.execute("UPDATE blocking_shoes SET size = 50 WHERE id = 5", "DELETE FROM blocking_shoes WHERE id = 6")
    harness.merge_silver()
    harness.request_snapshot(
        "blocking", "public.blocking_shoes", where="SELECT * FROM public.blocking_shoes WHERE id <= 10"
    )
    wait_until(
        lambda: _count_snapshot_rows(harness) == 20 + 9, timeout=seconds(60), missing="the nine rows of the snapshot"
    )
    harness.execute(
        "UPDATE blocking_shoes SET size = 60 WHERE id IN (7, 17)", "DELETE FROM blocking_shoes WHERE id IN (8, 18)"
    )
    harness.merge_silver()
    assert differences(harness, shoes) == []


def _count_snapshot_rows(harness: CdcHarness) -> int:
    return harness.lake.read("bronze", BLOCKING.table).where("op = 'r'").count()
