"""Commit order decides: a change written first and committed last wins, also around a snapshot."""

from lakehouse.cdc import table_stats
from lakehouse.cdc.merge.silver import reset_table
from lakehouse.retries import wait_until
from lakehouse.source.postgres import connect
from spark.messages import SHOES
from stack.cdc_harness import CdcHarness, HarnessFactory
from stack.silver_diff import differences
from support.timing import seconds

TABLE = """
    CREATE TABLE shoes (id int PRIMARY KEY, size int, note text, price numeric(12,2));
    INSERT INTO shoes SELECT n, 40, 'first', n FROM generate_series(1, 9) n
"""
REPEATED_CHANGES = """
    UPDATE shoes SET size = 41 WHERE id = 5;
    UPDATE shoes SET size = 42 WHERE id = 5;
    DELETE FROM shoes WHERE id = 5;
    INSERT INTO shoes VALUES (5, 43, 'back', 5);
    UPDATE shoes SET size = -1 WHERE id = 5;
    UPDATE shoes SET size = 44 WHERE id = 5;
    INSERT INTO shoes VALUES (60, 1, 'short', 1);
    DELETE FROM shoes WHERE id = 60
"""
PARTLY_ROLLED_BACK = """
    BEGIN;
    UPDATE shoes SET size = 45 WHERE id = 6;
    SAVEPOINT here;
    DELETE FROM shoes WHERE id = 6;
    ROLLBACK TO here;
    UPDATE shoes SET note = 'kept' WHERE id = 6;
    COMMIT
"""


def test_change_written_before_a_snapshot_and_committed_after_it_wins(make_harness: HarnessFactory) -> None:
    """Take over 20 s: the connector starts between two transactions, so that it is one of its own."""
    harness = make_harness([SHOES], TABLE)
    [shoes] = harness.contracts
    harness.create_slot()
    with connect(harness.settings) as early, connect(harness.settings) as late:
        early.execute("UPDATE shoes SET note = 'early' WHERE id = 1")
        early.execute("DELETE FROM shoes WHERE id = 2")
        early.execute("INSERT INTO shoes VALUES (20, 40, 'early', 1)")
        harness.start()
        wait_until(
            lambda: table_stats.bronze_offsets(harness.lake.store, shoes),
            timeout=seconds(60),
            missing="the snapshot's rows",
        )
        harness.merge_silver()
        early.execute("UPDATE shoes SET note = 'early' WHERE id = 3")
        late.execute("UPDATE shoes SET note = 'late' WHERE id = 4")
        late.execute("INSERT INTO shoes VALUES (40, 40, 'late', 1)")
        late.commit()
        late.execute("UPDATE shoes SET note = 'later' WHERE id = 4")
        early.execute("UPDATE shoes SET note = 'last' WHERE id = 40")
        early.commit()
        late.commit()
    harness.execute(REPEATED_CHANGES, PARTLY_ROLLED_BACK)
    harness.merge_silver()
    assert differences(harness, shoes) == []
    assert _ops_of(harness, 5) == ["r", "u", "u", "d", "c", "u", "u"]
    assert _ops_of(harness, 60) == ["c", "d"]
    reset_table(harness.lake, shoes)
    harness.merge_silver()
    assert differences(harness, shoes) == []


def _ops_of(harness: CdcHarness, key: int) -> list[str]:
    versions = harness.lake.versions(harness.contracts[0]).where(f"id = {key}").orderBy("_offset")
    return [version["_op"] for version in versions.collect()]
