"""Values at the ends of their types: each comes to Silver as Postgres holds it, read by a snapshot or streamed."""

from lakehouse.cdc.contract import Contract
from stack.compare import differences
from stack.lab import Bench, Lab

ODDITIES = Contract(
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
MOMENTS = "INSERT INTO oddities (id, day, instant, clock) VALUES "
TEXTS = "INSERT INTO oddities (id, words, doc) VALUES "
KEPT = (
    "INSERT INTO oddities (id) VALUES (1)",
    "INSERT INTO oddities VALUES (2, 0, '', 0, '1970-01-01', '1970-01-01Z', '1970-01-01', false, '{}')",
    TEXTS + r"""(3, U&'e\0301 \00e9 \2028 \+01F3C5', '"\u00e9 \ud83c\udfc5"')""",
    TEXTS + r"""(4, E'\t\r\n\x01\x7f "quoted" \\ {"a": [null]}', 'null')""",
    TEXTS + r"""(5, 'null', '{"n": 12345678901234567890.12345678901234567890}')""",
    TEXTS + "(6, repeat('é🏅x', 750000), jsonb_build_object('text', repeat('a\"b', 350000)))",
    "INSERT INTO oddities (id, big, amount) VALUES (7, 9223372036854775807, 9999999999.99)",
    "INSERT INTO oddities (id, big, amount) VALUES (8, -9223372036854775808, -9999999999.99)",
    "INSERT INTO oddities (id, amount, yes) VALUES (9, -0.01, true)",
    MOMENTS + "(10, '1969-07-20', '1969-07-20 20:17:40.123456Z', '1969-07-20 20:17:40.123456')",
    MOMENTS + "(11, '0001-01-01', '0001-01-01Z', '0001-01-01')",
    MOMENTS + "(12, '9999-12-31', '9999-12-31 23:59:59.999999Z', '9999-12-31 23:59:59.999999')",
    # Julius Caesar's calendar and the Pope's differ on these.
    MOMENTS + "(13, '1582-10-10', '1582-10-10 12:00Z', '1582-10-10 12:00')",
    MOMENTS + "(14, '0900-02-28', '0900-02-28 12:00Z', '0900-02-28 12:00')",
    # A wall clock that Paris never showed.
    MOMENTS + "(15, '2026-03-29', '2026-03-29 02:30:00.5+02', '2026-03-29 02:30:00.000001')",
    MOMENTS + "(16, 'infinity', 'infinity', 'infinity')",
    MOMENTS + "(17, '-infinity', '-infinity', '-infinity')",
)
REFUSED = {
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
# Debezium's snapshots read a date as java.sql.Date, which has no era, and not all days of October 1582.
READ_WRONG = (13, 50)
STREAMED = 100  # added to the keys of the rows that the snapshot read
AGAIN = "INSERT INTO oddities SELECT id + 100, big, words, amount, day, instant, clock, yes, doc FROM oddities"
BEYOND = "UPDATE oddities SET day = '20000-01-01', words = 'later' WHERE id = 102"
CORRECTION = """
    UPDATE oddities SET day = '2026-01-01', instant = '2026-01-01Z', clock = '2026-01-01', amount = 1
    WHERE id % 100 >= 50 OR id IN (13, 102)
"""


def test_values_are_what_postgres_holds_and_those_without_a_place_are_refused(lab: Lab) -> None:
    bench = lab([ODDITIES], TABLE)
    [oddities] = bench.contracts
    bench.execute(*KEPT, *(statement for _, statement in REFUSED.values()))
    bench.start()
    bench.drain()
    bench.execute(AGAIN, BEYOND)
    bench.refresh()
    refused = _refused()
    assert _open(bench) == {f'{{"id":{key}}}': [f"valeur hors limites : {name}"] for key, name in refused.items()}
    assert differences(bench, oddities) == [
        *(f"{key}: only in Postgres" for key in refused if key != 102),
        *(f"{key}: day" for key in READ_WRONG),
        "102: words",
        "102: day",
    ]
    bench.execute(CORRECTION)
    bench.refresh()
    assert differences(bench, oddities) == []
    assert _open(bench) == {}


def _refused() -> dict[int, str]:
    """Give the column that each refused key is refused for: read, streamed, and streamed onto an accepted row."""
    read = {key: column for key, (column, _) in REFUSED.items() if key not in READ_WRONG}
    return read | {102: "day"} | {key + STREAMED: column for key, (column, _) in REFUSED.items()}


def _open(bench: Bench) -> dict[str, list[str]]:
    entries = bench.lake.quarantine().where("closed_at IS NULL").collect()
    return {entry.key: entry.reasons for entry in entries}
