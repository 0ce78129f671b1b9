"""Order is that of the commits: what was written first and committed last is the last, also around a snapshot."""

from lakehouse.cdc.silver import start_over
from lakehouse.source.postgres import connect
from lakehouse.waiting import wait_until
from spark.messages import SHOES
from stack.compare import differences
from stack.lab import Bench, Lab

TABLE = """
    CREATE TABLE shoes (id int PRIMARY KEY, size int, note text, price numeric(12,2));
    INSERT INTO shoes SELECT n, 40, 'first', n FROM generate_series(1, 9) n
"""
OFTEN = """
    UPDATE shoes SET size = 41 WHERE id = 5;
    UPDATE shoes SET size = 42 WHERE id = 5;
    DELETE FROM shoes WHERE id = 5;
    INSERT INTO shoes VALUES (5, 43, 'back', 5);
    UPDATE shoes SET size = -1 WHERE id = 5;
    UPDATE shoes SET size = 44 WHERE id = 5;
    INSERT INTO shoes VALUES (60, 1, 'short', 1);
    DELETE FROM shoes WHERE id = 60
"""
UNDONE = """
    BEGIN;
    UPDATE shoes SET size = 45 WHERE id = 6;
    SAVEPOINT here;
    DELETE FROM shoes WHERE id = 6;
    ROLLBACK TO here;
    UPDATE shoes SET note = 'kept' WHERE id = 6;
    COMMIT
"""


def test_what_was_written_before_a_snapshot_and_committed_after_it_stands(lab: Lab) -> None:
    bench = lab([SHOES], TABLE)
    [shoes] = bench.contracts
    bench.make_slot()
    with connect(bench.settings) as early, connect(bench.settings) as late:
        early.execute("UPDATE shoes SET note = 'early' WHERE id = 1")
        early.execute("DELETE FROM shoes WHERE id = 2")
        early.execute("INSERT INTO shoes VALUES (20, 40, 'early', 1)")
        bench.start()
        wait_until(lambda: bench.lake.catalog.taken_in(shoes), timeout=60, missing="the snapshot's rows")
        bench.refresh()
        early.execute("UPDATE shoes SET note = 'early' WHERE id = 3")
        late.execute("UPDATE shoes SET note = 'late' WHERE id = 4")
        late.execute("INSERT INTO shoes VALUES (40, 40, 'late', 1)")
        late.commit()
        late.execute("UPDATE shoes SET note = 'later' WHERE id = 4")
        early.execute("UPDATE shoes SET note = 'last' WHERE id = 40")
        early.commit()
        late.commit()
    bench.execute(OFTEN, UNDONE)
    bench.refresh()
    assert differences(bench, shoes) == []
    assert _versions_of(bench, 5) == ["r", "u", "u", "d", "c", "u", "u"]
    assert _versions_of(bench, 60) == ["c", "d"]
    start_over(bench.lake, shoes)
    bench.refresh()
    assert differences(bench, shoes) == []


def _versions_of(bench: Bench, key: int) -> list[str]:
    versions = bench.lake.versions(bench.contracts[0]).where(f"id = {key}").orderBy("_offset")
    return [version._op for version in versions.collect()]
