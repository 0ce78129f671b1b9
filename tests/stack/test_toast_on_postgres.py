"""A large value that a change does not touch is not in the change: Silver keeps it, or says that nobody told it."""

import pytest

from lakehouse.cdc.contract import Contract
from lakehouse.retries import wait_until
from stack.cdc_harness import CdcHarness, HarnessFactory
from stack.silver_diff import differences

LETTERS = Contract(
    table="letters",
    key=("id",),
    columns={"id": "int", "size": "int", "body": "string", "doc": "string"},
)
# EXTERNAL: stored apart and never compressed, so that a change that does not touch it leaves it out.
TABLE = """
    CREATE TABLE letters (id int PRIMARY KEY, size int, body text, doc jsonb);
    ALTER TABLE letters ALTER body SET STORAGE EXTERNAL, ALTER doc SET STORAGE EXTERNAL;
    INSERT INTO letters
      SELECT n, n, repeat(chr(96 + n), 9000), jsonb_build_object('text', repeat(chr(96 + n), 9000))
      FROM generate_series(1, 6) n
"""


@pytest.mark.long
def test_toasted_value_is_filled_from_history_or_the_row_is_quarantined(make_harness: HarnessFactory) -> None:
    harness = make_harness([LETTERS], TABLE)
    [letters] = harness.contracts
    harness.start(snapshot_mode="no_data")
    harness.drain()
    harness.execute(
        "UPDATE letters SET size = 10",
        "UPDATE letters SET body = repeat('x', 9000) WHERE id = 1",
        "UPDATE letters SET body = repeat('y', 9000), doc = '{}' WHERE id = 2",
        "UPDATE letters SET size = 20 WHERE id = 2",
        "UPDATE letters SET body = NULL WHERE id = 2",
        "UPDATE letters SET size = 21 WHERE id = 2",
        "UPDATE letters SET id = 33 WHERE id = 3",
        "DELETE FROM letters WHERE id = 4",
        "INSERT INTO letters VALUES (4, 4, repeat('z', 9000), '[]')",
        "UPDATE letters SET size = 40 WHERE id = 4",
    )
    harness.merge_silver()
    assert differences(harness, letters) == [f"{key}: only in Postgres" for key in (1, 5, 6, 33)]
    assert _open_reasons(harness) == {
        1: ["valeur non transmise : doc"],
        **{key: ["valeur non transmise : body", "valeur non transmise : doc"] for key in (5, 6, 33)},
    }
    harness.execute("UPDATE letters SET size = 11 WHERE id = 5")
    harness.request_snapshot("incremental", "public.letters")
    wait_until(lambda: _count_snapshot_rows(harness) >= len((1, 2, 4, 5, 6, 33)), timeout=60, missing="the snapshot")
    harness.execute("UPDATE letters SET size = 12 WHERE id IN (1, 5)", "UPDATE letters SET id = 34 WHERE id = 33")
    harness.merge_silver()
    assert differences(harness, letters) == []
    assert _open_reasons(harness) == {}


def _open_reasons(harness: CdcHarness) -> dict[int, list[str]]:
    """Give why the last version of each key that is refused now is so."""
    open_entries = (
        harness.lake.quarantine().where("closed_at IS NULL").selectExpr("from_json(key, 'id int').id AS id", "*")
    )
    return {entry.id: entry.reasons for entry in open_entries.orderBy("offset").collect()}


def _count_snapshot_rows(harness: CdcHarness) -> int:
    return harness.lake.read("bronze", "letters").where("op = 'r'").count()
