"""From Bronze's raw messages to typed changes: a contract's columns, and where each change came from."""

from collections.abc import Iterable

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from lakehouse.cdc.contract import Contract
from lakehouse.cdc.merge.debezium_types import (
    NEVER,
    cast_to_wire_type,
    from_wire,
    is_identity,
    is_out_of_range,
    is_text,
    wire_type,
)
from lakehouse.cdc.schemas import LINEAGE_COLUMNS

# What Debezium writes for a TOASTed value that the change did not touch and the WAL does not carry.
UNAVAILABLE_VALUE = "__debezium_unavailable_value"
UPSERT_OPS = ("c", "u", "r")
INSERT, DELETE, TRUNCATE = "c", "d", "t"
DUPLICATE = "again"  # instead of the operation of a change that was told before
STREAMED_OPS = ("c", "u", DELETE, TRUNCATE)
# Only a snapshot's messages are read a second time for it.
ENDS_SNAPSHOT = """
    coalesce(is_snapshot AND from_json(value, 'source STRUCT<snapshot: STRING>').source.snapshot
             IN ('last', 'last_in_data_collection'), false)
"""
EMPTY_STRING_ARRAY = "CAST(array() AS ARRAY<STRING>)"
ALL_TYPE_MISMATCHES = "concat(_unfit, array_except(_unread, _beyond))"


def decode(messages: DataFrame, contract: Contract) -> DataFrame:
    """Give one typed change a message.

    Columns: `_op` (c, u, r, d or t; NULL where the message cannot be read as a change of this table), where the
    change came from (tables.ORIGIN), `_value` (the message as it came), `_ends_snapshot` (whether it is the last row
    of a snapshot), the contract's columns, and four arrays of their names: `_unchanged` (left out by Debezium),
    `_beyond` (a value that the lake has no place for), `_misfits` (a value of another type), `_missing` (not there).
    """
    columns = contract.columns.items()
    return (
        messages.withColumn("_change", F.when(F.col("op") != DELETE, _parse_change(contract)))
        .withColumn("_texts", _parse_as_text(contract))
        # A struct's field is found by its number; a map would be searched each of the many times a value is asked for.
        .withColumn("_row", F.expr(f"CASE WHEN _texts IS NULL THEN _change.after ELSE {_row_from_texts(contract)} END"))
        .selectExpr(
            *(f"{name.removeprefix('_')} AS {name}" for name in LINEAGE_COLUMNS),
            "value AS _value",
            f"{ENDS_SNAPSHOT} AS _ends_snapshot",
            "_row",
            *(f"{from_wire(_value_or_null(name, sql_type), sql_type)} AS `{name}`" for name, sql_type in columns),
            f"CASE WHEN _texts IS NULL THEN {EMPTY_STRING_ARRAY} ELSE {_uncastable(contract)} END AS _unfit",
            f"{_toasted(contract)} AS _unchanged",
        )
        .selectExpr("*", f"{_type_mismatches(contract)} AS _unread", f"{_missing_columns(contract)} AS _missing")
        .selectExpr("*", f"{_out_of_range(contract)} AS _beyond")
        .selectExpr("*", f"CASE WHEN size(_unread) = 0 THEN _unfit ELSE {ALL_TYPE_MISMATCHES} END AS _misfits")
        .selectExpr("* EXCEPT (_op, _row, _unfit, _unread)", f"{_valid_op(contract)} AS _op")
    )


def empty_string_array() -> Column:
    """Give an empty array of texts."""
    return F.expr(EMPTY_STRING_ARRAY)


def names_where(conditions: Iterable[tuple[str, str]]) -> str:
    """Give, in SQL, an array of those texts whose condition is true.

    Of the functions that leave NULLs out this one alone is compiled; array_compact took ten times as long.
    """
    cases = ", ".join(f"CASE WHEN {condition} THEN '{_escape(text)}' END" for text, condition in conditions)
    return f"array_except(CAST(array({cases}) AS ARRAY<STRING>), array(CAST(NULL AS STRING)))"


def _parse_change(contract: Contract) -> Column:
    """Give the row as it should have been written; `_unfit` is not NULL where it was not."""
    fields = ", ".join(f"`{name}`: {wire_type(sql_type)}" for name, sql_type in contract.columns.items())
    return F.from_json("value", f"after STRUCT<{fields}>, _unfit STRING", {"columnNameOfCorruptRecord": "_unfit"})


def _parse_as_text(contract: Contract) -> Column:
    """Give what was written otherwise, and keys, as text; NULL elsewhere: numbers as text cost a third more."""
    fields = f"STRUCT<{', '.join(f'`{name}`: STRING' for name in contract.columns)}>"
    is_corrupt = F.col("_change.after").isNull() | F.col("_change._unfit").isNotNull()
    return F.when(F.col("op") == DELETE, F.from_json("key", fields)).when(
        is_corrupt, F.from_json("value", f"after {fields}")["after"]
    )


def _row_from_texts(contract: Contract) -> str:
    """Give the texts as a row that was written as it should be, as far as they can be read so."""
    fields = (f"'{name}', {cast_to_wire_type(_text(name), sql_type)}" for name, sql_type in contract.columns.items())
    return f"named_struct({', '.join(fields)})"


def _uncastable(contract: Contract) -> str:
    """Give the names of the columns whose text cannot be read so."""
    return names_where(
        (name, f"{_text(name)} IS NOT NULL AND {cast_to_wire_type(_text(name), sql_type)} IS NULL")
        for name, sql_type in contract.columns.items()
        if not is_text(sql_type)
    )


def _type_mismatches(contract: Contract) -> str:
    """Give the names of the columns that have a value, but none of their type."""
    return names_where(
        (name, f"`{name}` IS NULL AND {_value_or_null(name, sql_type)} IS NOT NULL")
        for name, sql_type in contract.columns.items()
        if not is_identity(sql_type)
    )


def _out_of_range(contract: Contract) -> str:
    """Give the names of the columns with a value of Postgres's that the lake has no place for."""
    conditions = (
        (name, is_out_of_range(_value_or_null(name, sql_type), sql_type)) for name, sql_type in contract.columns.items()
    )
    names = names_where(
        (name, f"array_contains(_unread, '{name}') AND {condition}")
        for name, condition in conditions
        if condition != NEVER
    )
    return f"CASE WHEN size(_unread) > 0 THEN {names} ELSE {EMPTY_STRING_ARRAY} END"


def _missing_columns(contract: Contract) -> str:
    """Give the columns that a row should have had; a struct does not tell them from those that are NULL.

    Where none is NULL none is missing, and the message is not read a second time for their names.
    """
    some_null = " OR ".join(f"_row.`{name}` IS NULL" for name in contract.columns)
    expected = ", ".join(f"'{name}'" for name in contract.columns)
    sent_names = "map_keys(from_json(_value, 'after MAP<STRING, STRING>').after)"
    missing = f"CASE WHEN _op IN {UPSERT_OPS} AND ({some_null}) THEN array_except(array({expected}), {sent_names}) END"
    return f"coalesce({missing}, {EMPTY_STRING_ARRAY})"


def _text(name: str) -> str:
    return f"_texts.`{name}`"


def _value_or_null(name: str, sql_type: str) -> str:
    # Only what is written as text is ever left out: the others are too short to be TOASTed.
    return f"nullif(_row.`{name}`, '{UNAVAILABLE_VALUE}')" if is_text(sql_type) else f"_row.`{name}`"


def _toasted(contract: Contract) -> str:
    texts = (name for name, sql_type in contract.columns.items() if is_text(sql_type))
    return names_where((name, f"_row.`{name}` = '{UNAVAILABLE_VALUE}'") for name in texts)


def _valid_op(contract: Contract) -> str:
    """Give the operation where the message is a change of this table with a whole key, else NULL."""
    # A value that is there and does not fit is a changed table, not an unreadable message.
    has_whole_key = " AND ".join(
        f"(`{name}` IS NOT NULL OR array_contains(_misfits, '{name}'))" for name in contract.key
    )
    return f"CASE WHEN _op = '{TRUNCATE}' OR (_op IN {(*UPSERT_OPS, DELETE)} AND {has_whole_key}) THEN _op END"


def _escape(text: str) -> str:
    return text.replace("\\", "\\\\").replace("'", "\\'")
