"""Partitions added to a live topic: keys move from one to another, and each row ends as Postgres holds it."""

import pytest

from lakehouse.cdc.positions import Lane
from lakehouse.source import topics
from lakehouse.source.postgres import connect
from lakehouse.waiting import wait_until
from spark.messages import SHOES
from stack.compare import differences
from stack.lab import Bench, Lab

# EXTERNAL: stored apart, so that a change that does not touch the note leaves it out.
TABLE = """
    CREATE TABLE shoes (id int PRIMARY KEY, size int, note text, price numeric(12,2));
    ALTER TABLE shoes ALTER note SET STORAGE EXTERNAL;
    INSERT INTO shoes SELECT n, n, repeat(chr(96 + n), 3000), n FROM generate_series(1, 20) n
"""
EVERYWHERE = {Lane(0, partition) for partition in range(3)}


@pytest.mark.long
def test_keys_that_move_between_partitions_end_right(lab: Lab) -> None:
    bench = lab([SHOES], TABLE)
    [shoes] = bench.contracts
    bench.make_slot()
    with connect(bench.settings) as early:
        early.execute("UPDATE shoes SET size = 100 WHERE id IN (16, 17)")
        early.execute("DELETE FROM shoes WHERE id IN (18, 19)")
        bench.start(producer_override_metadata_max_age_ms="500")
        bench.execute("DELETE FROM shoes WHERE id = 20")
        bench.refresh()
        _add_partitions(bench)
        wait_until(lambda: _written_everywhere(bench), timeout=60, missing="messages in every partition")
        early.commit()
    bench.execute(
        "DELETE FROM shoes WHERE id <= 5",
        "INSERT INTO shoes SELECT n, -n, 'back', n FROM generate_series(4, 6) n ON CONFLICT (id) DO NOTHING",
        "UPDATE shoes SET id = id + 100 WHERE id BETWEEN 7 AND 12",
        "UPDATE shoes SET id = id - 100 WHERE id BETWEEN 107 AND 109",
        "UPDATE shoes SET size = 0 WHERE id BETWEEN 13 AND 15",
    )
    bench.refresh()
    assert set(bench.lake.catalog.merged(shoes)) == EVERYWHERE
    assert differences(bench, shoes) == ["4: only in Postgres", "5: only in Postgres"]
    bench.execute("UPDATE shoes SET size = 1 WHERE size < 0", "DELETE FROM shoes WHERE id > 105")
    bench.refresh()
    assert differences(bench, shoes) == []


def _add_partitions(bench: Bench) -> None:
    admin = topics.admin(bench.settings)
    try:
        admin.create_partitions({bench.contracts[0].topic: len(EVERYWHERE)})
    finally:
        admin.close()


def _written_everywhere(bench: Bench) -> bool:
    bench.execute("UPDATE shoes SET size = size + 1 WHERE id <= 15")
    return set(bench.lake.catalog.taken_in(bench.contracts[0])) == EVERYWHERE
