"""A blocking snapshot of some rows of a live table: they are read anew, and the others stay."""

import pytest

from lakehouse.waiting import wait_until
from spark.messages import SHOES
from stack.compare import differences
from stack.lab import Bench, Lab

TABLE = """
    CREATE TABLE shoes (id int PRIMARY KEY, size int, note text, price numeric(12,2));
    INSERT INTO shoes SELECT n, n, 'first', n FROM generate_series(1, 20) n
"""


@pytest.mark.long
def test_a_snapshot_of_some_rows_leaves_the_others(lab: Lab) -> None:
    bench = lab([SHOES], TABLE)
    [shoes] = bench.contracts
    bench.start()
    bench.drain()
    bench.execute("UPDATE shoes SET size = 50 WHERE id = 5", "DELETE FROM shoes WHERE id = 6")
    bench.refresh()
    bench.snapshot("blocking", "public.shoes", where="SELECT * FROM public.shoes WHERE id <= 10")
    wait_until(lambda: _read(bench) == 20 + 9, timeout=60, missing="ten rows less one, read again")
    bench.execute("UPDATE shoes SET size = 60 WHERE id IN (7, 17)", "DELETE FROM shoes WHERE id IN (8, 18)")
    bench.refresh()
    assert differences(bench, shoes) == []


def _read(bench: Bench) -> int:
    return bench.lake.read("bronze", "shoes").where("op = 'r'").count()
