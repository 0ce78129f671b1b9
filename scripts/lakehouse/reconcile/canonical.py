"""Canonical text of a value, equal in Postgres, Spark and DataFusion exactly where the values are equal.

Numbers have no trailing zeros. Dates are days, and instants microseconds, since 1970. Postgres's infinite dates become
the first and last day of the calendar, as in the lake.
"""

from collections.abc import Iterable

from pyspark.sql import Column
from pyspark.sql import functions as F

from lakehouse.cdc.contract import Contract
from lakehouse.errors import BadInput
from lakehouse.source.postgres import sql
from lakehouse.spark.literals import lit

NULL_TEXT = r"\N"
TYPES_CAST_TO_TEXT = ("int", "bigint", "string", "boolean")
# Applied before any arithmetic: Postgres cannot compute with infinite dates.
CLAMP_INFINITY = (
    """CASE {column} WHEN 'infinity' THEN {kind} {last} WHEN '-infinity' THEN {kind} {first} ELSE {column} END"""
)


def spark_row_text(contract: Contract, names: Iterable[str]) -> Column:
    """Return the canonical text of a row's columns, separated by commas."""
    return F.concat_ws(",", *(spark_field_text(contract, name) for name in names))


def postgres_row_text(contract: Contract, names: Iterable[str]) -> sql.Composed:
    """Return the SQL expression for the text that `spark_row_text` computes."""
    return sql.SQL(" || ',' || ").join(postgres_field_text(contract, name) for name in names)


def datafusion_row_text(contract: Contract, names: Iterable[str]) -> str:
    """Return DataFusion's expression for the text that `spark_row_text` computes."""
    return " || ',' || ".join(datafusion_field_text(contract, name) for name in names)


def spark_field_text(contract: Contract, name: str) -> Column:
    """Return the canonical text of one column: never NULL, with its own commas escaped."""
    text = _spark_cast(contract, name)
    if contract.columns[name] == "string":
        text = F.replace(F.replace(text, lit("\\"), lit("\\\\")), lit(","), lit("\\,"))
    return F.coalesce(text, lit(NULL_TEXT))


def postgres_field_text(contract: Contract, name: str) -> sql.Composed:
    """Return the SQL expression for the canonical text of one column, equal to Spark's in `spark_field_text`."""
    text = _postgres_cast(contract, name)
    if contract.columns[name] == "string":
        text = sql.SQL(r"replace(replace({}, E'\\', E'\\\\'), ',', E'\\,')").format(text)
    return sql.SQL("coalesce({}, {})").format(text, sql.Literal(NULL_TEXT))


def datafusion_field_text(contract: Contract, name: str) -> str:
    """Return DataFusion's expression for the canonical text of one column, equal to Spark's in `spark_field_text`."""
    text = _datafusion_cast(contract, name)
    if contract.columns[name] == "string":
        text = rf"replace(replace({text}, '\', '\\'), ',', '\,')"
    return f"coalesce({text}, '{NULL_TEXT}')"


def _spark_cast(contract: Contract, name: str) -> Column:
    column = F.col(name)
    match contract.columns[name]:
        case "date":
            return F.unix_date(column).cast("string")
        case "timestamp" | "timestamp_ntz":
            return F.unix_micros(column.cast("timestamp")).cast("string")
        case kind if kind.startswith("decimal"):
            return _trim_zeros(column.cast("string"))
        case kind if kind in TYPES_CAST_TO_TEXT:
            return column.cast("string")
        case kind:
            raise _unsupported_type(contract, name, kind)


def _postgres_cast(contract: Contract, name: str) -> sql.Composed:
    column = sql.Identifier(name)
    match contract.columns[name]:
        case "date":
            finite = _clamp_infinity(name, "date", "0001-01-01", "9999-12-31")
            return sql.SQL("({} - DATE '1970-01-01')::text").format(finite)
        case "timestamp" | "timestamp_ntz" as kind:
            zoned = "timestamptz" if kind == "timestamp" else "timestamp"
            finite = _clamp_infinity(name, zoned, "0001-01-01 00:00:00", "9999-12-31 23:59:59.999999")
            return sql.SQL("trim_scale(extract(epoch FROM {}) * 1000000)::text").format(finite)
        case kind if kind.startswith("decimal"):
            return sql.SQL("trim_scale({})::text").format(column)
        case kind if kind in TYPES_CAST_TO_TEXT:
            return sql.SQL("{}::text").format(column)
        case kind:
            raise _unsupported_type(contract, name, kind)


def _datafusion_cast(contract: Contract, name: str) -> str:
    column = f'"{name}"'
    match contract.columns[name]:
        case "date":
            return f"CAST(CAST({column} AS INT) AS VARCHAR)"
        case "timestamp" | "timestamp_ntz":
            return f"CAST(CAST({column} AS BIGINT) AS VARCHAR)"
        case kind if kind.startswith("decimal"):
            text = f"CAST({column} AS VARCHAR)"
            return f"CASE WHEN strpos({text}, '.') > 0 THEN rtrim(rtrim({text}, '0'), '.') ELSE {text} END"
        case kind if kind in TYPES_CAST_TO_TEXT:
            return f"CAST({column} AS VARCHAR)"
        case kind:
            raise _unsupported_type(contract, name, kind)


def _clamp_infinity(name: str, kind: str, first: str, last: str) -> sql.Composed:
    return sql.SQL(CLAMP_INFINITY).format(
        column=sql.Identifier(name), kind=sql.SQL(kind), first=sql.Literal(first), last=sql.Literal(last)
    )


def _trim_zeros(number: Column) -> Column:
    has_point = F.contains(number, lit("."))
    return F.when(has_point, F.regexp_replace(number, r"\.?0+$", "")).otherwise(number)


def _unsupported_type(contract: Contract, name: str, kind: str) -> BadInput:
    return BadInput(
        f"{contract.table}: {name} is of type {kind}, which has no canonical text. "
        "Add one in scripts/lakehouse/reconcile/canonical.py."
    )
