"""A changed primary key: the old key goes, the row goes on under the new one, with every value that was left out."""

import pytest

from lakehouse.cdc.contract import Contract, Rule
from lakehouse.cdc.envelope import DELETE
from lakehouse.cdc.silver import catch_up
from stack.compare import differences
from stack.lab import Bench, Lab

LETTERS = Contract(
    table="letters",
    key=("id",),
    columns={"id": "int", "size": "int", "body": "string"},
    rules=(Rule("size_negative", when="size < 0", says="taille négative"),),
)
# EXTERNAL: stored apart and never compressed, so that a change that does not touch it leaves it out.
TABLE = """
    CREATE TABLE letters (id int PRIMARY KEY, size int, body text);
    ALTER TABLE letters ALTER body SET STORAGE EXTERNAL;
    INSERT INTO letters SELECT n, n, repeat(chr(96 + n), 9000) FROM generate_series(1, 9) n;
"""
SWAP = """
    UPDATE letters SET id = -7 WHERE id = 7;
    UPDATE letters SET id = 7 WHERE id = 8;
    UPDATE letters SET id = 8 WHERE id = -7
"""


@pytest.mark.long
def test_a_row_keeps_its_values_under_whatever_key_it_comes_to_have(lab: Lab) -> None:
    bench = lab([LETTERS], TABLE)
    [letters] = bench.contracts
    bench.start()
    bench.drain()
    bench.execute(
        "UPDATE letters SET id = 11 WHERE id = 1",
        "UPDATE letters SET id = 12 WHERE id = 11",
        "UPDATE letters SET id = 22, size = 22 WHERE id = 2",
        "UPDATE letters SET id = 2 WHERE id = 22",
        "UPDATE letters SET id = 33, size = -3 WHERE id = 3",
        "UPDATE letters SET id = 44 WHERE id = 4",
        "DELETE FROM letters WHERE id = 5",
        "UPDATE letters SET id = 5 WHERE id = 6",
        SWAP,
        "INSERT INTO letters VALUES (6, 66, repeat('z', 9000))",
        "UPDATE letters SET id = 13 WHERE id = 12",
    )
    bench.drain()
    _take_up_to_the_last_delete(bench)
    assert bench.refresh()[0].changes == 1
    assert differences(bench, letters) == ["33: only in Postgres"]
    bench.execute("UPDATE letters SET id = 34, size = 3 WHERE id = 33", "UPDATE letters SET size = 14 WHERE id = 13")
    bench.refresh()
    assert differences(bench, letters) == []
    assert bench.lake.quarantine().where("closed_at IS NULL").count() == 0


def _take_up_to_the_last_delete(bench: Bench) -> None:
    """Bring Silver to where the last changed key is gone and its new one not yet there."""
    [letters] = bench.contracts
    [(lane, end)] = bench.lake.catalog.taken_in(letters).items()
    last_two = bench.lake.read("bronze", "letters").where(f"offset >= {end - 1}").orderBy("offset").collect()
    assert [message.op for message in last_two] == [DELETE, "c"]
    catch_up(bench.lake, letters, {lane: end - 1})
