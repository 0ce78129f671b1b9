"""Conversion of values from Debezium's JSON to the contract's types, as SQL expressions.

Postgres has dates that the lake does not support. Infinity becomes the first or last date, which sorts alike. A year
outside of 1 to 9999 or a NaN has no equivalent, and its row is refused.

Expressions are SQL text: a wide table has hundreds, and each Column object costs a call into the JVM.
"""

from collections.abc import Mapping

Bounds = tuple[int, int]

# 0001-01-01 and the end of 9999-12-31, counted from 1970.
DATE_BOUNDS_DAYS: Bounds = (-719_162, 2_932_896)
TIMESTAMP_BOUNDS_US: Bounds = (-62_135_596_800_000_000, 253_402_300_799_999_999)
# -infinity and infinity as Debezium 3.6 writes them, by observation. The days are larger numbers cut to an int, and
# differ between a snapshot and the stream.
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
    """Return the Spark type of the JSON values that Debezium writes for a type: numbers, booleans or text."""
    return WIRE_TYPES.get(sql_type, "STRING")


def is_text(sql_type: str) -> bool:
    """Return whether Debezium writes the type's values as text."""
    return sql_type not in WIRE_TYPES


def cast_to_wire_type(text: str, sql_type: str) -> str:
    """Return SQL that casts a text to the wire type of a type; NULL where it is no such value."""
    return f"try_cast({text} AS {WIRE_TYPES[sql_type]})" if sql_type in WIRE_TYPES else text


def from_wire(value: str, sql_type: str) -> str:
    """Return SQL that converts a wire value to its type; NULL where a text is no such value, or out of its range.

    Wire values are days or microseconds since 1970, and ISO 8601 with a zone for instants (Debezium's documentation).
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
            # A cast rounds away surplus digits, so it is compared with a cast that has room for more.
            return f"CASE WHEN {number} = try_cast({value} AS DECIMAL(38,18)) THEN {number} END"
        case _:
            return value if sql_type in WIRE_TYPES else f"try_cast({value} AS {sql_type})"


def is_identity(sql_type: str) -> bool:
    """Return whether every wire value of the type is a value of the type, without conversion."""
    return sql_type in {"int", "bigint", "boolean", "string"}


def is_out_of_range(value: str, sql_type: str) -> str:
    """Return SQL that tests whether a wire value without an equivalent in the lake is valid in Postgres."""
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
    cases = " ".join(f"WHEN {infinity!r} THEN {bound}" for infinity, bound in infinities.items())
    return f"CASE {value} {cases} END"
