"""An incremental snapshot of a live table: writes meanwhile are neither lost nor undone, and no row doubles."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from random import Random
from threading import Event

import pytest

from lakehouse.retries import wait_until
from lakehouse.source.postgres import connect
from spark.messages import SHOES
from stack.cdc_harness import CdcHarness, HarnessFactory
from stack.silver_diff import differences

ROWS = 600
TABLE = """
    CREATE TABLE shoes (id int PRIMARY KEY, size int, note text, price numeric(12,2));
    INSERT INTO shoes SELECT n, n, 'first', n FROM generate_series(1, 600) n;
    INSERT INTO shoes VALUES (9999, 1, 'read last', 1)
"""
RANDOM_WRITES = (
    "INSERT INTO shoes VALUES (%(id)s, 1, 'new', 1) ON CONFLICT (id) DO UPDATE SET note = 'again'",
    "UPDATE shoes SET size = size + 1 WHERE id = %(id)s",
    "DELETE FROM shoes WHERE id = %(id)s",
    "UPDATE shoes SET id = -id WHERE id = %(id)s AND NOT EXISTS (SELECT FROM shoes WHERE id = -%(id)s)",
)
WRITE_INTERVAL_S = 0.005  # seconds; a snapshot's queries need their share of the processor


@pytest.mark.long
def test_incremental_snapshot_during_writes_matches_postgres(make_harness: HarnessFactory) -> None:
    harness = make_harness([SHOES], TABLE)
    [shoes] = harness.contracts
    harness.start(snapshot_mode="no_data", incremental_snapshot_chunk_size="20")
    harness.drain()
    for times in (1, 2):
        with _concurrent_writes(harness), connect(harness.settings) as slow:
            slow.execute("UPDATE shoes SET note = %s WHERE id %% 100 = 50", [f"slow {times}"])
            slow.execute("DELETE FROM shoes WHERE id = %s", [times * 100])
            harness.execute("DELETE FROM cdc.signal")
            harness.request_snapshot("incremental", "public.shoes")
            wait_until(lambda: _count_closed_windows(harness) >= 5, timeout=60, missing="five chunks")
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
                    conn.execute(rng.choice(RANDOM_WRITES).encode(), {"id": rng.choice([number, -number])})
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
        lambda: harness.lake.read("bronze", "shoes").where(last).count() >= times,
        timeout=120,
        missing="the snapshot's last row",
    )
