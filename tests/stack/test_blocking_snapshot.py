"""A blocking snapshot of some rows of a live table: they are read anew, and the others stay."""

import pytest

from lakehouse.retries import wait_until
from spark.messages import SHOES
from stack.cdc_harness import CdcHarness, HarnessFactory
from stack.silver_diff import differences

TABLE = """
    CREATE TABLE shoes (id int PRIMARY KEY, size int, note text, price numeric(12,2));
    INSERT INTO shoes SELECT n, n, 'first', n FROM generate_series(1, 20) n
"""


@pytest.mark.long
def test_blocking_snapshot_of_some_rows_leaves_the_others_unchanged(make_harness: HarnessFactory) -> None:
    harness = make_harness([SHOES], TABLE)
    [shoes] = harness.contracts
    harness.start()
    harness.drain()
    harness.execute("UPDATE shoes SET size = 50 WHERE id = 5", "DELETE FROM shoes WHERE id = 6")
    harness.merge_silver()
    harness.request_snapshot("blocking", "public.shoes", where="SELECT * FROM public.shoes WHERE id <= 10")
    wait_until(lambda: _count_snapshot_rows(harness) == 20 + 9, timeout=60, missing="ten rows less one, read again")
    harness.execute("UPDATE shoes SET size = 60 WHERE id IN (7, 17)", "DELETE FROM shoes WHERE id IN (8, 18)")
    harness.merge_silver()
    assert differences(harness, shoes) == []


def _count_snapshot_rows(harness: CdcHarness) -> int:
    return harness.lake.read("bronze", "shoes").where("op = 'r'").count()
