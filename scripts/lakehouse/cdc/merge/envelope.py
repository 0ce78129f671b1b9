"""Decoding of Bronze's raw messages into typed changes, with the contract's columns and the lineage of each change."""

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

# Debezium's placeholder for a TOASTed value that the change did not modify and the WAL does not have.
UNAVAILABLE_VALUE = "__debezium_unavailable_value"
UPSERT_OPS = ("c", "u", "r")
INSERT, DELETE, TRUNCATE = "c", "d", "t"
DUPLICATE = "again"  # replaces the operation of a redelivered change
STREAMED_OPS = ("c", "u", DELETE, TRUNCATE)
# Only messages of a snapshot are parsed a second time for this.
ENDS_SNAPSHOT = """
    coalesce(is_snapshot AND from_json(value, 'source STRUCT<snapshot: STRING>').source.snapshot
             IN ('last', 'last_in_data_collection'), false)
"""
EMPTY_STRING_ARRAY = "CAST(array() AS ARRAY<STRING>)"
ALL_TYPE_MISMATCHES = "concat(_unfit, array_except(_unread, _beyond))"


def decode(messages: DataFrame, contract: Contract) -> DataFrame:
    """Return one typed change per message.

    Columns:
    - the contract's columns;
    - LINEAGE_COLUMNS, with `_op` c, u, r, d or t, or NULL where the message is no change of this table;
    - `_value`, the raw message;
    - `_ends_snapshot`, whether the message is the last row of a snapshot;
    - `_unchanged`, the names of columns whose TOASTed value Debezium omitted;
    - `_beyond`, the names of columns with a value that the lake does not support;
    - `_misfits`, the names of columns with a value of another type;
    - `_missing`, the names of columns that the message lacks.
    """
    columns = contract.columns.items()
    return (
        messages.withColumn("_change", F.when(F.col("op") != DELETE, _parse_change(contract)))
        .withColumn("_texts", _parse_as_text(contract))
        # A struct's field is read by its index; a map would be searched at each of the many uses of a value.
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
    """Return an empty array of strings."""
    return F.expr(EMPTY_STRING_ARRAY)


def names_where(conditions: Iterable[tuple[str, str]]) -> str:
    """Return SQL for an array of the texts whose condition is true; `conditions` are (text, SQL) pairs.

    Of Spark's functions that drop NULLs, only array_except is compiled; array_compact took ten times as long.
    """
    cases = ", ".join(f"CASE WHEN {condition} THEN '{_escape(text)}' END" for text, condition in conditions)
    return f"array_except(CAST(array({cases}) AS ARRAY<STRING>), array(CAST(NULL AS STRING)))"


def _parse_change(contract: Contract) -> Column:
    """Return the row parsed by its wire types; `_unfit` is not NULL where a value is of another type."""
    fields = ", ".join(f"`{name}`: {wire_type(sql_type)}" for name, sql_type in contract.columns.items())
    return F.from_json("value", f"after STRUCT<{fields}>, _unfit STRING", {"columnNameOfCorruptRecord": "_unfit"})


def _parse_as_text(contract: Contract) -> Column:
    """Return unfit rows, and keys of deletes, as texts, else NULL: numbers parsed as text cost a third more."""
    fields = f"STRUCT<{', '.join(f'`{name}`: STRING' for name in contract.columns)}>"
    is_corrupt = F.col("_change.after").isNull() | F.col("_change._unfit").isNotNull()
    return F.when(F.col("op") == DELETE, F.from_json("key", fields)).when(
        is_corrupt, F.from_json("value", f"after {fields}")["after"]
    )


def _row_from_texts(contract: Contract) -> str:
    """Return SQL for the row of texts cast to the wire types; NULL where a text is no such value."""
    fields = (f"'{name}', {cast_to_wire_type(_text(name), sql_type)}" for name, sql_type in contract.columns.items())
    return f"named_struct({', '.join(fields)})"


def _uncastable(contract: Contract) -> str:
    """Return SQL for the names of the columns whose text cannot be cast to the wire type."""
    return names_where(
        (name, f"{_text(name)} IS NOT NULL AND {cast_to_wire_type(_text(name), sql_type)} IS NULL")
        for name, sql_type in contract.columns.items()
        if not is_text(sql_type)
    )


def _type_mismatches(contract: Contract) -> str:
    """Return SQL for the names of the columns that have a wire value, but none of their type."""
    return names_where(
        (name, f"`{name}` IS NULL AND {_value_or_null(name, sql_type)} IS NOT NULL")
        for name, sql_type in contract.columns.items()
        if not is_identity(sql_type)
    )


def _out_of_range(contract: Contract) -> str:
    """Return SQL for the names of the columns whose value is valid in Postgres and not supported by the lake."""
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
    """Return SQL for the names of the columns that the message lacks; a parsed struct has NULL for them.

    Where no column is NULL none is missing, and the message is not parsed a second time for its names.
    """
    some_null = " OR ".join(f"_row.`{name}` IS NULL" for name in contract.columns)
    expected = ", ".join(f"'{name}'" for name in contract.columns)
    sent_names = "map_keys(from_json(_value, 'after MAP<STRING, STRING>').after)"
    missing = f"CASE WHEN _op IN {UPSERT_OPS} AND ({some_null}) THEN array_except(array({expected}), {sent_names}) END"
    return f"coalesce({missing}, {EMPTY_STRING_ARRAY})"


def _text(name: str) -> str:
    return f"_texts.`{name}`"


def _value_or_null(name: str, sql_type: str) -> str:
    # Only values that are written as text can be TOASTed: the others are too short.
    return f"nullif(_row.`{name}`, '{UNAVAILABLE_VALUE}')" if is_text(sql_type) else f"_row.`{name}`"


def _toasted(contract: Contract) -> str:
    texts = (name for name, sql_type in contract.columns.items() if is_text(sql_type))
    return names_where((name, f"_row.`{name}` = '{UNAVAILABLE_VALUE}'") for name in texts)


def _valid_op(contract: Contract) -> str:
    """Return SQL for the operation where the message is a change of this table with a complete key, else NULL."""
    # A key value of another type shows a changed table, not an undecodable message.
    has_whole_key = " AND ".join(
        f"(`{name}` IS NOT NULL OR array_contains(_misfits, '{name}'))" for name in contract.key
    )
    return f"CASE WHEN _op = '{TRUNCATE}' OR (_op IN {(*UPSERT_OPS, DELETE)} AND {has_whole_key}) THEN _op END"


def _escape(text: str) -> str:
    return text.replace("\\", "\\\\").replace("'", "\\'")
