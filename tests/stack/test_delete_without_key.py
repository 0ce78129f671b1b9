"""Case 16: a delete under REPLICA IDENTITY USING INDEX, which is put back at once, is quarantined with its reason."""

from lakehouse.contracts.company import captured_table
from stack.cdc_harness import HarnessFactory
from stack.silver_diff import differences

COMMUTE_TABLE = captured_table(
    table="commutes",
    key=("id",),
    columns={"id": "int", "origin": "string", "distance_m": "int", "last_updated": "timestamp"},
)
TABLE = """
    CREATE TABLE commutes (
      id serial PRIMARY KEY, origin text NOT NULL, distance_m int, last_updated timestamptz NOT NULL DEFAULT now(),
      CONSTRAINT commutes_by_origin UNIQUE (origin)
    );
    INSERT INTO commutes (origin, distance_m) VALUES ('a', 1), ('b', 2), ('c', 3)
"""


def test_row_deleted_by_another_index_is_named_and_other_deletes_are_merged(make_harness: HarnessFactory) -> None:
    """Take over 20 s: a connector of its own takes the first snapshot."""
    harness = make_harness([COMMUTE_TABLE], TABLE)
    harness.start()
    [commutes] = harness.contracts
    harness.merge_silver()
    harness.execute(
        "ALTER TABLE commutes REPLICA IDENTITY USING INDEX commutes_by_origin",
        "DELETE FROM commutes WHERE origin = 'a'",
        "ALTER TABLE commutes REPLICA IDENTITY FULL",
        "DELETE FROM commutes WHERE origin = 'b'",
        "ALTER TABLE commutes REPLICA IDENTITY DEFAULT",
        "INSERT INTO commutes (id, origin) VALUES (0, 'zero')",
        "DELETE FROM commutes WHERE id = 0",
    )
    [result] = harness.merge_silver()
    assert result.refused == 1
    [entry] = harness.lake.quarantine().collect()
    assert (entry.key, entry.reasons) == ('{"id":0}', ["suppression sans la clé de la ligne"])
    assert '"origin":"a"' in entry.value
    assert differences(harness, commutes) == ["1: only in Silver"]
    harness.resnapshot()
    harness.merge_silver()
    assert differences(harness, commutes) == []
