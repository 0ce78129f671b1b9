"""A first snapshot cut off half-way, and made again: what was deleted in between is a ghost, and goes."""

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from lakehouse.cdc.silver import catch_up, start_over
from lakehouse.local.stack import Stack
from lakehouse.source import cut
from lakehouse.source.postgres import connect
from lakehouse.waiting import wait_until
from spark.messages import SHOES
from stack.compare import differences
from stack.lab import Bench, Lab

SURELY_READ, GATE = 1000, 42
TABLE = """
    CREATE TABLE shoes (id int PRIMARY KEY, size int, note text, price numeric(12,2));
    INSERT INTO shoes SELECT n, n, 'first', n FROM generate_series(1, 3000) n
"""
# Whoever reads past the first half waits for the gate: so the snapshot is half-way, and not by chance.
HALF_WAY = {
    "snapshot.select.statement.overrides": "public.shoes",
    "snapshot.select.statement.overrides.public.shoes": (
        "SELECT * FROM shoes WHERE id <= 1500 UNION ALL "
        "SELECT * FROM shoes WHERE id > 1500 AND pg_advisory_xact_lock_shared(42) IS NOT NULL"
    ),
    "snapshot.fetch.size": "100",
}


@pytest.mark.long
def test_rows_deleted_between_two_halves_of_a_snapshot_go_and_the_rest_is_as_it_is(lab: Lab, stack: Stack) -> None:
    bench = lab([SHOES], TABLE)
    [shoes] = bench.contracts
    with connect(bench.settings) as slow, _gate_shut(bench):
        bench.start(**HALF_WAY)
        first = _read_up_to(bench, SURELY_READ)
        catch_up(bench.lake, shoes, cut.current(bench.lake.catalog, [shoes])[shoes.table])
        bench.execute("DELETE FROM shoes WHERE id BETWEEN 1 AND 10", "UPDATE shoes SET note = 'then' WHERE id = 30")
        slow.execute("UPDATE shoes SET note = 'slow' WHERE id IN (40, 2040)")
        slow.execute("DELETE FROM shoes WHERE id IN (41, 2041)")
        os.kill(_pid(stack), signal.SIGKILL)
        bench.execute("DELETE FROM shoes WHERE id BETWEEN 11 AND 20", "DELETE FROM shoes WHERE id = 2050")
        bench.execute("UPDATE shoes SET id = -31 WHERE id = 31", "INSERT INTO shoes VALUES (-1, 1, 'new', 1)")
        _read_up_to(bench, first + SURELY_READ)
        slow.commit()
        bench.execute("UPDATE shoes SET note = 'after' WHERE id = 50", "DELETE FROM shoes WHERE id = 51")
    bench.refresh()
    assert differences(bench, shoes) == []
    start_over(bench.lake, shoes)
    bench.refresh()
    assert differences(bench, shoes) == []


@contextmanager
def _gate_shut(bench: Bench) -> Iterator[None]:
    with connect(bench.settings, autocommit=True) as conn:
        conn.execute("SELECT pg_advisory_lock(%s)", [GATE])
        yield


def _read_up_to(bench: Bench, messages: int) -> int:
    """Wait until Bronze has so many messages, and give how many it has."""

    def held() -> int:
        return sum(end + 1 for end in bench.lake.catalog.taken_in(bench.contracts[0]).values())

    wait_until(lambda: held() >= messages, timeout=120, missing=f"{messages} messages in Bronze")
    return held()


def _pid(stack: Stack) -> int:
    [pid] = [one.pid for one in stack.status() if one.name == "connect"]
    assert pid
    return pid
