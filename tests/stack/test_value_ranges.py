"""Values at the limits of their types reach Silver as in Postgres, read by a snapshot or streamed."""

from lakehouse.contracts.company import captured_table
from stack.cdc_harness import CdcHarness, HarnessFactory
from stack.silver_diff import differences

EDGE_VALUES = captured_table(
    table="oddities",
    key=("id",),
    columns={
        "id": "int",
        "big": "bigint",
        "words": "string",
        "amount": "decimal(12,2)",
        "day": "date",
        "instant": "timestamp",
        "clock": "timestamp_ntz",
        "yes": "boolean",
        "doc": "string",
    },
)
TABLE = """
    CREATE TABLE oddities (
      id int PRIMARY KEY, big bigint, words text, amount numeric(12,2), day date, instant timestamptz,
      clock timestamp, yes boolean, doc jsonb
    )
"""
INSERT_MOMENTS = "INSERT INTO oddities (id, day, instant, clock) VALUES "
INSERT_TEXTS = "INSERT INTO oddities (id, words, doc) VALUES "
REPRESENTABLE = (
    "INSERT INTO oddities (id) VALUES (1)",
    "INSERT INTO oddities VALUES (2, 0, '', 0, '1970-01-01', '1970-01-01Z', '1970-01-01', false, '{}')",
    INSERT_TEXTS + r"""(3, U&'e\0301 \00e9 \2028 \+01F3C5', '"\u00e9 \ud83c\udfc5"')""",
    INSERT_TEXTS + r"""(4, E'\t\r\n\x01\x7f "quoted" \\ {"a": [null]}', 'null')""",
    INSERT_TEXTS + r"""(5, 'null', '{"n": 12345678901234567890.12345678901234567890}')""",
    INSERT_TEXTS + "(6, repeat('é🏅x', 750000), jsonb_build_object('text', repeat('a\"b', 350000)))",
    "INSERT INTO oddities (id, big, amount) VALUES (7, 9223372036854775807, 9999999999.99)",
    "INSERT INTO oddities (id, big, amount) VALUES (8, -9223372036854775808, -9999999999.99)",
    "INSERT INTO oddities (id, amount, yes) VALUES (9, -0.01, true)",
    INSERT_MOMENTS + "(10, '1969-07-20', '1969-07-20 20:17:40.123456Z', '1969-07-20 20:17:40.123456')",
    INSERT_MOMENTS + "(11, '0001-01-01', '0001-01-01Z', '0001-01-01')",
    INSERT_MOMENTS + "(12, '9999-12-31', '9999-12-31 23:59:59.999999Z', '9999-12-31 23:59:59.999999')",
    # The Julian and the Gregorian calendar differ on these dates.
    INSERT_MOMENTS + "(13, '1582-10-10', '1582-10-10 12:00Z', '1582-10-10 12:00')",
    INSERT_MOMENTS + "(14, '0900-02-28', '0900-02-28 12:00Z', '0900-02-28 12:00')",
    # A local time that did not exist in Paris.
    INSERT_MOMENTS + "(15, '2026-03-29', '2026-03-29 02:30:00.5+02', '2026-03-29 02:30:00.000001')",
    INSERT_MOMENTS + "(16, 'infinity', 'infinity', 'infinity')",
    INSERT_MOMENTS + "(17, '-infinity', '-infinity', '-infinity')",
)
OUT_OF_RANGE_ROWS = {
    50: ("day", "INSERT INTO oddities (id, day) VALUES (50, '0044-03-15 BC')"),
    51: ("day", "INSERT INTO oddities (id, day) VALUES (51, '20000-01-01')"),
    52: ("day", "INSERT INTO oddities (id, day) VALUES (52, '5874897-12-31')"),
    53: ("instant", "INSERT INTO oddities (id, instant) VALUES (53, '0044-03-15 12:00Z BC')"),
    54: ("instant", "INSERT INTO oddities (id, instant) VALUES (54, '20000-01-01 12:00Z')"),
    55: ("clock", "INSERT INTO oddities (id, clock) VALUES (55, '0044-03-15 12:00 BC')"),
    56: ("clock", "INSERT INTO oddities (id, clock) VALUES (56, '20000-01-01 12:00')"),
    57: ("clock", "INSERT INTO oddities (id, clock) VALUES (57, '294276-12-31 23:59:59.999999')"),
    58: ("amount", "INSERT INTO oddities (id, amount) VALUES (58, 'NaN')"),
}
# Debezium's snapshots read a date as java.sql.Date, which has no era and lacks ten days of October 1582.
MISREAD_BY_SNAPSHOTS = (13, 50)
STREAMED_KEY_OFFSET = 100  # added to the keys of the rows that the snapshot read
COPY_ROWS = "INSERT INTO oddities SELECT id + 100, big, words, amount, day, instant, clock, yes, doc FROM oddities"
UPDATE_OUT_OF_RANGE = "UPDATE oddities SET day = '20000-01-01', words = 'later' WHERE id = 102"
CORRECTION = """
    UPDATE oddities SET day = '2026-01-01', instant = '2026-01-01Z', clock = '2026-01-01', amount = 1
    WHERE id % 100 >= 50 OR id IN (13, 102)
"""


def test_extreme_values_match_postgres_and_out_of_range_ones_are_quarantined(make_harness: HarnessFactory) -> None:
    """Take over 20 s: a connector of its own, whose snapshot and stream write the same values differently."""
    harness = make_harness([EDGE_VALUES], TABLE)
    [edge_values] = harness.contracts
    harness.execute(*REPRESENTABLE, *(statement for _, statement in OUT_OF_RANGE_ROWS.values()))
    harness.start()
    harness.drain()
    harness.execute(COPY_ROWS, UPDATE_OUT_OF_RANGE)
    harness.merge_silver()
    refused = _expected_refusals()
    assert _open_reasons(harness) == {
        f'{{"id":{key}}}': [f"valeur hors limites : {name}"] for key, name in refused.items()
    }
    assert differences(harness, edge_values) == [
        *(f"{key}: only in Postgres" for key in refused if key != 102),
        *(f"{key}: day" for key in MISREAD_BY_SNAPSHOTS),
        "102: words",
        "102: day",
    ]
    harness.execute(CORRECTION)
    harness.merge_silver()
    assert differences(harness, edge_values) == []
    assert _open_reasons(harness) == {}


def _expected_refusals() -> dict[int, str]:
    """Return the out-of-range column of each refused key: read by the snapshot, streamed, or updated."""
    read_by_snapshot = {
        key: column for key, (column, _) in OUT_OF_RANGE_ROWS.items() if key not in MISREAD_BY_SNAPSHOTS
    }
    return (
        read_by_snapshot
        | {102: "day"}
        | {key + STREAMED_KEY_OFFSET: column for key, (column, _) in OUT_OF_RANGE_ROWS.items()}
    )


def _open_reasons(harness: CdcHarness) -> dict[str, list[str]]:
    entries = harness.lake.quarantine().where("resolved_at IS NULL").collect()
    return {entry.key: entry.reasons for entry in entries}
