"""Values as Debezium writes them in JSON, read as the contract's types.

Postgres knows dates that the lake does not. Infinity is carried as the calendar's ends, which compare alike; a
year outside of 1 to 9999 or a NaN has no place, and its row is refused.

Expressions are SQL's text here: a wide table has hundreds, and each made as an object costs a call into the JVM.
"""

from collections.abc import Mapping

Ends = tuple[int, int]

# 0001-01-01 and the end of 9999-12-31, counted from 1970.
DAYS: Ends = (-719_162, 2_932_896)
MICROSECONDS: Ends = (-62_135_596_800_000_000, 253_402_300_799_999_999)
# -infinity and infinity as Debezium 3.6 was seen to write them; the days are what an int kept of larger numbers,
# which were not the same ones in a snapshot and in the stream.
INFINITE_DAYS = {-2_147_472_691: DAYS[0], -625_821_272: DAYS[0], -2_147_472_692: DAYS[1], -622_191_234: DAYS[1]}
INFINITE_MICROSECONDS = {-9_223_372_036_832_400_000: MICROSECONDS[0], 9_223_372_036_825_200_000: MICROSECONDS[1]}
INFINITE_INSTANTS = {"-infinity": MICROSECONDS[0], "infinity": MICROSECONDS[1]}
INSTANT = r"^[+-]?\d{4,6}-\d\d-\d\dT"
NEVER = "false"
WRITTEN = {"int": "INT", "bigint": "BIGINT", "boolean": "BOOLEAN", "date": "BIGINT", "timestamp_ntz": "BIGINT"}
NO_NUMBERS = ("NAN", "INFINITY", "-INFINITY")


def written(sql_type: str) -> str:
    """Give the type that Debezium writes a type's values in: JSON's numbers and truths, or text."""
    return WRITTEN.get(sql_type, "STRING")


def is_text(sql_type: str) -> bool:
    """Say whether Debezium writes a type's values as text."""
    return sql_type not in WRITTEN


def as_written(text: str, sql_type: str) -> str:
    """Give a text as a value of the type that it should have been written in; NULL where it is none."""
    return f"try_cast({text} AS {WRITTEN[sql_type]})" if sql_type in WRITTEN else text


def typed(value: str, sql_type: str) -> str:
    """Give a value as it was written in its own type: days and microseconds since 1970, ISO 8601 with a zone.

    NULL where a text is not of this type, or a value beyond it.
    """
    match sql_type:
        case "string":
            return value
        case "date":
            return _within(value, INFINITE_DAYS, DAYS, "date_from_unix_date(int({}))")
        case "timestamp_ntz":
            made = "CAST(timestamp_micros({}) AS TIMESTAMP_NTZ)"
            return _within(value, INFINITE_MICROSECONDS, MICROSECONDS, made)
        case "timestamp":
            micros = f"coalesce({_replaced(value, INFINITE_INSTANTS)}, unix_micros(try_cast({value} AS TIMESTAMP)))"
            return _between(micros, MICROSECONDS, "timestamp_micros({})")
        case _ if sql_type.startswith("decimal"):
            number = f"try_cast({value} AS {sql_type})"
            # A cast rounds away the digits that it has no place for.
            return f"CASE WHEN {number} = try_cast({value} AS DECIMAL(38,18)) THEN {number} END"
        case _:
            return value if sql_type in WRITTEN else f"try_cast({value} AS {sql_type})"


def is_as_written(sql_type: str) -> bool:
    """Say whether every value of the type that it is written in is one of its own."""
    return sql_type in {"int", "bigint", "boolean", "string"}


def beyond(value: str, sql_type: str) -> str:
    """Say of a value as it was written, which is none of the lake's type, whether it is one of Postgres's."""
    match sql_type:
        case "date" | "timestamp_ntz":
            return f"{value} IS NOT NULL"
        case "timestamp":
            return f"{value} RLIKE r'{INSTANT}'"
        case _ if sql_type.startswith("decimal"):
            return f"upper({value}) IN {NO_NUMBERS}"
        case _:
            return NEVER


def _within(number: str, infinite: Mapping[int, int], ends: Ends, made: str) -> str:
    return _between(f"coalesce({_replaced(number, infinite)}, {number})", ends, made)


def _between(number: str, ends: Ends, made: str) -> str:
    return f"CASE WHEN {number} BETWEEN {ends[0]} AND {ends[1]} THEN {made.format(number)} END"


def _replaced(given: str, infinite: Mapping[int, int] | Mapping[str, int]) -> str:
    cases = " ".join(f"WHEN {infinity!r} THEN {end}" for infinity, end in infinite.items())
    return f"CASE {given} {cases} END"
