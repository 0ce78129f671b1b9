"""An incremental snapshot of a live table: writes meanwhile are neither lost nor undone, and no row doubles."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from random import Random
from threading import Event

import pytest

from lakehouse.source.postgres import connect
from lakehouse.waiting import wait_until
from spark.messages import SHOES
from stack.compare import differences
from stack.lab import Bench, Lab

ROWS = 600
TABLE = """
    CREATE TABLE shoes (id int PRIMARY KEY, size int, note text, price numeric(12,2));
    INSERT INTO shoes SELECT n, n, 'first', n FROM generate_series(1, 600) n;
    INSERT INTO shoes VALUES (9999, 1, 'read last', 1)
"""
WRITES = (
    "INSERT INTO shoes VALUES (%(id)s, 1, 'new', 1) ON CONFLICT (id) DO UPDATE SET note = 'again'",
    "UPDATE shoes SET size = size + 1 WHERE id = %(id)s",
    "DELETE FROM shoes WHERE id = %(id)s",
    "UPDATE shoes SET id = -id WHERE id = %(id)s AND NOT EXISTS (SELECT FROM shoes WHERE id = -%(id)s)",
)
PACE = 0.005  # seconds; a snapshot's queries need their share of the processor


@pytest.mark.long
def test_snapshots_of_a_table_that_is_being_written_end_as_postgres(lab: Lab) -> None:
    bench = lab([SHOES], TABLE)
    [shoes] = bench.contracts
    bench.start(snapshot_mode="no_data", incremental_snapshot_chunk_size="20")
    bench.drain()
    for times in (1, 2):
        with _being_written(bench), connect(bench.settings) as slow:
            slow.execute("UPDATE shoes SET note = %s WHERE id %% 100 = 50", [f"slow {times}"])
            slow.execute("DELETE FROM shoes WHERE id = %s", [times * 100])
            bench.execute("DELETE FROM cdc.signal")
            bench.snapshot("incremental", "public.shoes")
            wait_until(lambda: _windows(bench) >= 5, timeout=60, missing="five chunks")
            slow.commit()
            _read_to_its_end(bench, times)
        bench.refresh()
        assert differences(bench, shoes) == []


@contextmanager
def _being_written(bench: Bench) -> Iterator[None]:
    """Write at random, but for the rows that the slow transaction holds, until the block is left."""
    stop = Event()

    def write() -> int:
        rng, done = Random(5), 0
        with connect(bench.settings, autocommit=True) as conn:
            while not stop.wait(PACE):
                number = rng.randrange(1, ROWS + 100)
                if number % 50:
                    conn.execute(rng.choice(WRITES).encode(), {"id": rng.choice([number, -number])})
                    done += 1
        return done

    with ThreadPoolExecutor(1) as pool:
        writing = pool.submit(write)
        try:
            yield
        finally:
            stop.set()
        assert writing.result()


def _windows(bench: Bench) -> int:
    with connect(bench.settings) as conn:
        row = conn.execute("SELECT count(*) FROM cdc.signal WHERE type = 'snapshot-window-close'").fetchone()
    return row[0] if row else 0


def _read_to_its_end(bench: Bench, times: int) -> None:
    last = """op = 'r' AND key = '{"id":9999}'"""
    wait_until(
        lambda: bench.lake.read("bronze", "shoes").where(last).count() >= times,
        timeout=120,
        missing="the snapshot's last row",
    )
