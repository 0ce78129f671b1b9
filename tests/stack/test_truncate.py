"""TRUNCATE: every row goes, what follows stands, and the versions say when."""

from spark.messages import SHOES
from stack.lab import Lab

TABLE = "CREATE TABLE shoes (id int PRIMARY KEY, size int, note text, price numeric(12,2))"


def test_a_truncate_empties_silver_and_what_follows_stands(lab: Lab) -> None:
    bench = lab([SHOES], TABLE)
    bench.execute("INSERT INTO shoes VALUES (1, 41), (2, 42)")
    bench.start()
    bench.refresh()
    bench.execute("INSERT INTO shoes VALUES (3, 43)", "TRUNCATE shoes", "INSERT INTO shoes VALUES (2, 52)")
    bench.refresh()
    assert {row.id: row["size"] for row in bench.lake.silver(bench.contracts[0]).collect()} == {2: 52}
