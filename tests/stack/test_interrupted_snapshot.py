"""An initial snapshot that is killed and repeated: rows deleted in between are removed from Silver."""

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager

from lakehouse.cdc import table_stats
from lakehouse.cdc.merge.silver import catch_up, reset_table
from lakehouse.local.stack import Stack
from lakehouse.retries import wait_until
from lakehouse.source import consistent_cut
from lakehouse.source.postgres import connect
from spark.messages import SHOES
from stack.cdc_harness import CdcHarness, HarnessFactory
from stack.silver_diff import differences
from support.timing import seconds

MIN_MESSAGES_READ, GATE_LOCK_ID = 1000, 42
TABLE = """
    CREATE TABLE shoes (id int PRIMARY KEY, size int, note text, price numeric(12,2));
    INSERT INTO shoes SELECT n, n, 'first', n FROM generate_series(1, 3000) n;
    GRANT EXECUTE ON FUNCTION pg_advisory_xact_lock_shared(bigint) TO rh_sport_capture;
"""
# The query waits for the lock after the first half of the rows, so the kill always comes half-way.
PAUSE_HALFWAY_CONFIG = {
    "snapshot.select.statement.overrides": "public.shoes",
    "snapshot.select.statement.overrides.public.shoes": (
        "SELECT * FROM shoes WHERE id <= 1500 UNION ALL "
        "SELECT * FROM shoes WHERE id > 1500 AND pg_advisory_xact_lock_shared(42) IS NOT NULL"
    ),
    "snapshot.fetch.size": "100",
}


def test_rows_deleted_while_an_interrupted_snapshot_restarts_are_removed(
    make_harness: HarnessFactory, stack: Stack
) -> None:
    """Take over 20 s: Connect is killed in the middle of a snapshot, starts again and repeats it."""
    harness = make_harness([SHOES], TABLE)
    [shoes] = harness.contracts
    with connect(harness.settings) as slow, _closed_gate(harness):
        harness.start(**PAUSE_HALFWAY_CONFIG)
        first = _wait_for_messages(harness, MIN_MESSAGES_READ)
        catch_up(harness.lake, shoes, consistent_cut.bronze_cut(harness.lake.store, [shoes])[shoes.table])
        harness.execute("DELETE FROM shoes WHERE id BETWEEN 1 AND 10", "UPDATE shoes SET note = 'then' WHERE id = 30")
        slow.execute("UPDATE shoes SET note = 'slow' WHERE id IN (40, 2040)")
        slow.execute("DELETE FROM shoes WHERE id IN (41, 2041)")
        os.kill(_pid(stack), signal.SIGKILL)
        harness.execute("DELETE FROM shoes WHERE id BETWEEN 11 AND 20", "DELETE FROM shoes WHERE id = 2050")
        harness.execute("UPDATE shoes SET id = -31 WHERE id = 31", "INSERT INTO shoes VALUES (-1, 1, 'new', 1)")
        _wait_for_messages(harness, first + MIN_MESSAGES_READ)
        slow.commit()
        harness.execute("UPDATE shoes SET note = 'after' WHERE id = 50", "DELETE FROM shoes WHERE id = 51")
    harness.merge_silver()
    assert differences(harness, shoes) == []
    reset_table(harness.lake, shoes)
    harness.merge_silver()
    assert differences(harness, shoes) == []


@contextmanager
def _closed_gate(harness: CdcHarness) -> Iterator[None]:
    with connect(harness.settings, autocommit=True) as conn:
        conn.execute("SELECT pg_advisory_lock(%s)", [GATE_LOCK_ID])
        yield


def _wait_for_messages(harness: CdcHarness, messages: int) -> int:
    """Wait until Bronze has at least this many messages, and return their number."""

    def message_count() -> int:
        return sum(end + 1 for end in table_stats.bronze_offsets(harness.lake.store, harness.contracts[0]).values())

    wait_until(lambda: message_count() >= messages, timeout=seconds(120), missing=f"{messages} messages in Bronze")
    return message_count()


def _pid(stack: Stack) -> int:
    [pid] = [one.pid for one in stack.status() if one.name == "connect"]
    assert pid
    return pid
