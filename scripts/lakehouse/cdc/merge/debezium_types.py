"""Values as Debezium writes them in JSON, read as the contract's types.

Postgres knows dates that the lake does not. Infinity is carried as the calendar's ends, which compare alike; a
year outside of 1 to 9999 or a NaN has no place, and its row is refused.

Expressions are SQL's text here: a wide table has hundreds, and each made as an object costs a call into the JVM.
"""

from collections.abc import Mapping

Bounds = tuple[int, int]

# 0001-01-01 and the end of 9999-12-31, counted from 1970.
DATE_BOUNDS_DAYS: Bounds = (-719_162, 2_932_896)
TIMESTAMP_BOUNDS_US: Bounds = (-62_135_596_800_000_000, 253_402_300_799_999_999)
# -infinity and infinity as Debezium 3.6 was seen to write them; the days are what an int kept of larger numbers,
# which were not the same ones in a snapshot and in the stream.
INFINITE_DAYS = {
    -2_147_472_691: DATE_BOUNDS_DAYS[0],
    -625_821_272: DATE_BOUNDS_DAYS[0],
    -2_147_472_692: DATE_BOUNDS_DAYS[1],
    -622_191_234: DATE_BOUNDS_DAYS[1],
}
INFINITE_MICROSECONDS = {
    -9_223_372_036_832_400_000: TIMESTAMP_BOUNDS_US[0],
    9_223_372_036_825_200_000: TIMESTAMP_BOUNDS_US[1],
}
INFINITE_INSTANTS = {"-infinity": TIMESTAMP_BOUNDS_US[0], "infinity": TIMESTAMP_BOUNDS_US[1]}
INSTANT_PATTERN = r"^[+-]?\d{4,6}-\d\d-\d\dT"
NEVER = "false"
WIRE_TYPES = {"int": "INT", "bigint": "BIGINT", "boolean": "BOOLEAN", "date": "BIGINT", "timestamp_ntz": "BIGINT"}
NON_FINITE_DECIMALS = ("NAN", "INFINITY", "-INFINITY")


def wire_type(sql_type: str) -> str:
    """Give the type that Debezium writes a type's values in: JSON's numbers and truths, or text."""
    return WIRE_TYPES.get(sql_type, "STRING")


def is_text(sql_type: str) -> bool:
    """Say whether Debezium writes a type's values as text."""
    return sql_type not in WIRE_TYPES


def cast_to_wire_type(text: str, sql_type: str) -> str:
    """Give a text as a value of the type that it should have been written in; NULL where it is none."""
    return f"try_cast({text} AS {WIRE_TYPES[sql_type]})" if sql_type in WIRE_TYPES else text


def from_wire(value: str, sql_type: str) -> str:
    """Give a value as it was written in its own type: days and microseconds since 1970, ISO 8601 with a zone.

    NULL where a text is not of this type, or a value beyond it.
    """
    match sql_type:
        case "string":
            return value
        case "date":
            return _bounded_or_infinite(value, INFINITE_DAYS, DATE_BOUNDS_DAYS, "date_from_unix_date(int({}))")
        case "timestamp_ntz":
            timestamp_template = "CAST(timestamp_micros({}) AS TIMESTAMP_NTZ)"
            return _bounded_or_infinite(value, INFINITE_MICROSECONDS, TIMESTAMP_BOUNDS_US, timestamp_template)
        case "timestamp":
            micros = (
                f"coalesce({_replace_infinity(value, INFINITE_INSTANTS)}, unix_micros(try_cast({value} AS TIMESTAMP)))"
            )
            return _bounded(micros, TIMESTAMP_BOUNDS_US, "timestamp_micros({})")
        case _ if sql_type.startswith("decimal"):
            number = f"try_cast({value} AS {sql_type})"
            # A cast rounds away the digits that it has no place for.
            return f"CASE WHEN {number} = try_cast({value} AS DECIMAL(38,18)) THEN {number} END"
        case _:
            return value if sql_type in WIRE_TYPES else f"try_cast({value} AS {sql_type})"


def is_identity(sql_type: str) -> bool:
    """Say whether every value of the type that it is written in is one of its own."""
    return sql_type in {"int", "bigint", "boolean", "string"}


def is_out_of_range(value: str, sql_type: str) -> str:
    """Say of a value as it was written, which is none of the lake's type, whether it is one of Postgres's."""
    match sql_type:
        case "date" | "timestamp_ntz":
            return f"{value} IS NOT NULL"
        case "timestamp":
            return f"{value} RLIKE r'{INSTANT_PATTERN}'"
        case _ if sql_type.startswith("decimal"):
            return f"upper({value}) IN {NON_FINITE_DECIMALS}"
        case _:
            return NEVER


def _bounded_or_infinite(number: str, infinities: Mapping[int, int], bounds: Bounds, template: str) -> str:
    return _bounded(f"coalesce({_replace_infinity(number, infinities)}, {number})", bounds, template)


def _bounded(number: str, bounds: Bounds, template: str) -> str:
    return f"CASE WHEN {number} BETWEEN {bounds[0]} AND {bounds[1]} THEN {template.format(number)} END"


def _replace_infinity(value: str, infinities: Mapping[int, int] | Mapping[str, int]) -> str:
    cases = " ".join(f"WHEN {infinity!r} THEN {end}" for infinity, end in infinities.items())
    return f"CASE {value} {cases} END"
