"""An incremental snapshot of a live table: writes meanwhile are neither lost nor undone, and no row doubles."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from random import Random
from threading import Event

from lakehouse.retries import wait_until
from lakehouse.source.postgres import connect
from stack.cdc_harness import CdcHarness, HarnessFactory
from stack.hazard_tables import INCREMENTAL
from stack.silver_diff import differences
from support.timing import seconds

ROWS = 600
RANDOM_WRITES = (
    "INSERT INTO incremental_shoes VALUES (%(id)s, 1, 'new', 1) ON CONFLICT (id) DO UPDATE SET note = 'again'",
    "UPDATE incremental_shoes SET size = size + 1 WHERE id = %(id)s",
    "DELETE FROM incremental_shoes WHERE id = %(id)s",
    (
        "UPDATE incremental_shoes SET id = -id WHERE id = %(id)s "
        "AND NOT EXISTS (SELECT FROM incremental_shoes WHERE id = -%(id)s)"
    ),
)
WRITE_INTERVAL_S = 0.005  # seconds; a snapshot's queries need their share of the processor


def test_incremental_snapshot_during_writes_matches_postgres(share_harness: HarnessFactory) -> None:
    """Take over 20 s: two snapshots of five chunks each, under writes that last as long."""
    harness = share_harness(INCREMENTAL)
    [shoes] = harness.contracts
    harness.drain()
    for times in (1, 2):
        with _concurrent_writes(harness), connect(harness.settings) as slow:
            slow.execute("UPDATE incremental_shoes SET note = %s WHERE id %% 100 = 50", [f"slow {times}"])
            slow.execute("DELETE FROM incremental_shoes WHERE id = %s", [times * 100])
            harness.execute("DELETE FROM cdc.signal")
            harness.request_snapshot("incremental", f"public.{INCREMENTAL.table}")
            wait_until(lambda: _count_closed_windows(harness) >= 5, timeout=seconds(60), missing="five chunks")
            slow.commit()
            _wait_for_last_row(harness, times)
        harness.merge_silver()
        assert differences(harness, shoes) == []


@contextmanager
def _concurrent_writes(harness: CdcHarness) -> Iterator[None]:
    """Write at random, but for the rows that the slow transaction holds, until the block is left."""
    stop = Event()

    def write() -> int:
        rng, written = Random(5), 0
        with connect(harness.settings, autocommit=True) as conn:
            while not stop.wait(WRITE_INTERVAL_S):
                number = rng.randrange(1, ROWS + 100)
                if number % 50:
                    conn.execute(rng.choice(RANDOM_WRITES), {"id": rng.choice([number, -number])})
                    written += 1
        return written

    with ThreadPoolExecutor(1) as pool:
        writing = pool.submit(write)
        try:
            yield
        finally:
            stop.set()
        assert writing.result()


def _count_closed_windows(harness: CdcHarness) -> int:
    with connect(harness.settings) as conn:
        row = conn.execute("SELECT count(*) FROM cdc.signal WHERE type = 'snapshot-window-close'").fetchone()
    return row[0] if row else 0


def _wait_for_last_row(harness: CdcHarness, times: int) -> None:
    last = """op = 'r' AND key = '{"id":9999}'"""
    wait_until(
        lambda: harness.lake.read("bronze", INCREMENTAL.table).where(last).count() >= times,
        timeout=seconds(120),
        missing="the snapshot's last row",
    )
