"""A change omits large values that it does not modify: Silver fills them, or quarantines the row."""

from lakehouse.retries import wait_until
from stack.cdc_harness import CdcHarness, HarnessFactory
from stack.hazard_tables import TOAST_TABLE
from stack.silver_diff import differences
from support.timing import seconds


def test_toasted_value_is_filled_from_history_or_the_row_is_quarantined(share_harness: HarnessFactory) -> None:
    harness = share_harness(TOAST_TABLE)
    [letters] = harness.contracts
    harness.execute(
        "UPDATE toasted_letters SET size = 10",
        "UPDATE toasted_letters SET body = repeat('x', 9000) WHERE id = 1",
        "UPDATE toasted_letters SET body = repeat('y', 9000), doc = '{}' WHERE id = 2",
        "UPDATE toasted_letters SET size = 20 WHERE id = 2",
        "UPDATE toasted_letters SET body = NULL WHERE id = 2",
        "UPDATE toasted_letters SET size = 21 WHERE id = 2",
        "UPDATE toasted_letters SET id = 33 WHERE id = 3",
        "DELETE FROM toasted_letters WHERE id = 4",
        "INSERT INTO toasted_letters VALUES (4, 4, repeat('z', 9000), '[]')",
        "UPDATE toasted_letters SET size = 40 WHERE id = 4",
    )
    harness.merge_silver()
    assert differences(harness, letters) == [f"{key}: only in Postgres" for key in (1, 5, 6, 33)]
    assert _open_reasons(harness) == {
        1: ["valeur non transmise : doc"],
        **{key: ["valeur non transmise : body", "valeur non transmise : doc"] for key in (5, 6, 33)},
    }
    harness.execute("UPDATE toasted_letters SET size = 11 WHERE id = 5")
    harness.request_snapshot("incremental", f"public.{TOAST_TABLE.table}")
    wait_until(
        lambda: _count_snapshot_rows(harness) >= len((1, 2, 4, 5, 6, 33)), timeout=seconds(60), missing="the snapshot"
    )
    harness.execute(
        "UPDATE toasted_letters SET size = 12 WHERE id IN (1, 5)", "UPDATE toasted_letters SET id = 34 WHERE id = 33"
    )
    harness.merge_silver()
    assert differences(harness, letters) == []
    assert _open_reasons(harness) == {}


def _open_reasons(harness: CdcHarness) -> dict[int, list[str]]:
    """Return the reasons of the last version of each key in open quarantine."""
    open_entries = (
        harness.lake.quarantine()
        .where(f"table_name = '{TOAST_TABLE.table}' AND resolved_at IS NULL")
        .selectExpr("from_json(key, 'id int').id AS id", "*")
    )
    return {entry.id: entry.reasons for entry in open_entries.orderBy("offset").collect()}


def _count_snapshot_rows(harness: CdcHarness) -> int:
    return harness.lake.read("bronze", TOAST_TABLE.table).where("op = 'r'").count()
