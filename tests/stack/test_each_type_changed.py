"""Each kind of type is changed in Postgres and back again: only the row that was written in between is refused."""

from lakehouse.contracts.company import captured_table
from stack.cdc_harness import HarnessFactory
from stack.silver_diff import differences

SHELF_TABLE = captured_table(
    table="shelves",
    key=("id",),
    columns={
        "id": "int",
        "pairs": "int",
        "wide": "int",
        "amount": "decimal(12,2)",
        "day": "date",
        "clock": "timestamp_ntz",
        "instant": "timestamp",
        "open": "boolean",
        "needed": "int",
    },
)
TABLE = """
    CREATE TABLE shelves (
      id int PRIMARY KEY, pairs int, wide int, amount numeric(12,2), day date, clock timestamp, instant timestamptz,
      open boolean, needed int NOT NULL
    );
    INSERT INTO shelves
    SELECT n, 1, 1, 1, '2026-01-01', '2026-01-01 10:00', '2026-01-01 10:00Z', true, 1 FROM generate_series(1, 12) n
"""
# The row that is written: its column, the type in between, the value then, and the value that the change back gives.
CHANGES = {
    1: ("pairs", "text", "'abc'", "1"),
    2: ("pairs", "numeric(12,3)", "1.5", "1"),
    3: ("wide", "bigint", "3000000000", "1"),
    4: ("amount", "numeric(20,2)", "123456789012345", "1"),
    5: ("amount", "text", "'cher'", "1"),
    6: ("day", "text", "'bientôt'", "'2026-01-01'"),
    7: ("clock", "text", "'midi'", "'2026-01-01 10:00'"),
    8: ("instant", "text", "'hier'", "'2026-01-01 10:00Z'"),
    9: ("open", "text", "'peut-être'", "true"),
}
TYPES = {
    "pairs": "int",
    "wide": "int",
    "amount": "numeric(12,2)",
    "day": "date",
    "clock": "timestamp",
    "instant": "timestamptz",
    "open": "boolean",
}
NULL_IN_BETWEEN = (
    "ALTER TABLE shelves ALTER needed DROP NOT NULL",
    "UPDATE shelves SET needed = NULL WHERE id = 10",
    "UPDATE shelves SET needed = 2 WHERE id = 10",
    "ALTER TABLE shelves ALTER needed SET NOT NULL",
)


def test_only_the_row_written_while_a_type_was_another_is_refused(make_harness: HarnessFactory) -> None:
    """Take over 20 s: a connector of its own."""
    harness = make_harness([SHELF_TABLE], TABLE)
    harness.start()
    [shelves] = harness.contracts
    harness.merge_silver()
    for key, (column, other_type, value, value_after) in CHANGES.items():
        harness.execute(
            f"ALTER TABLE shelves ALTER {column} TYPE {other_type}",
            f"UPDATE shelves SET {column} = {value} WHERE id = {key}",  # noqa: S608 - the test's own texts
            f"ALTER TABLE shelves ALTER {column} TYPE {TYPES[column]} USING {value_after}",
        )
    harness.execute(*NULL_IN_BETWEEN, "UPDATE shelves SET needed = 3 WHERE id = 11")
    [result] = harness.merge_silver()
    assert result.refused == len(CHANGES)
    entries = {entry.key: entry.reasons for entry in harness.lake.quarantine().where("resolved_at IS NULL").collect()}
    assert entries == {f'{{"id":{key}}}': [f"valeur d'un autre type : {CHANGES[key][0]}"] for key in CHANGES}
    assert differences(harness, shelves) == []
    harness.execute("UPDATE shelves SET needed = 4")
    harness.merge_silver()
    assert differences(harness, shelves) == []
    assert harness.lake.quarantine().where("resolved_at IS NULL").count() == 0
