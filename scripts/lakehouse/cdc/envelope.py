"""From Bronze's raw messages to typed changes: a contract's columns, and where each change came from."""

from collections.abc import Iterable

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from lakehouse.cdc.contract import Contract
from lakehouse.cdc.tables import ORIGIN
from lakehouse.cdc.values import NEVER, as_written, beyond, is_as_written, is_text, typed, written

# What Debezium writes for a TOASTed value that the change did not touch and the WAL does not carry.
UNAVAILABLE = "__debezium_unavailable_value"
UPSERTS = ("c", "u", "r")
INSERT, DELETE, TRUNCATE = "c", "d", "t"
AGAIN = "again"  # instead of the operation of a change that was told before
STREAMED = ("c", "u", DELETE, TRUNCATE)
# Only a snapshot's messages are read a second time for it.
ENDS_SNAPSHOT = """
    coalesce(is_snapshot AND from_json(value, 'source STRUCT<snapshot: STRING>').source.snapshot
             IN ('last', 'last_in_data_collection'), false)
"""
NONE = "CAST(array() AS ARRAY<STRING>)"
MISFITS = "concat(_unfit, array_except(_unread, _beyond))"


def decode(messages: DataFrame, contract: Contract) -> DataFrame:
    """Give one typed change a message.

    Columns: `_op` (c, u, r, d or t; NULL where the message cannot be read as a change of this table), where the
    change came from (tables.ORIGIN), `_value` (the message as it came), `_ends_snapshot` (whether it is the last row
    of a snapshot), the contract's columns, and four arrays of their names: `_unchanged` (left out by Debezium),
    `_beyond` (a value that the lake has no place for), `_misfits` (a value of another type), `_missing` (not there).
    """
    columns = contract.columns.items()
    return (
        messages.withColumn("_change", F.when(F.col("op") != DELETE, _change(contract)))
        .withColumn("_texts", _texts(contract))
        # A struct's field is found by its number; a map would be searched each of the many times a value is asked for.
        .withColumn("_row", F.expr(f"CASE WHEN _texts IS NULL THEN _change.after ELSE {_as_written(contract)} END"))
        .selectExpr(
            *(f"{name.removeprefix('_')} AS {name}" for name in ORIGIN),
            "value AS _value",
            f"{ENDS_SNAPSHOT} AS _ends_snapshot",
            "_row",
            *(f"{typed(_present(name, sql_type), sql_type)} AS `{name}`" for name, sql_type in columns),
            f"CASE WHEN _texts IS NULL THEN {NONE} ELSE {_unfit(contract)} END AS _unfit",
            f"{_left_out(contract)} AS _unchanged",
        )
        .selectExpr("*", f"{_unread(contract)} AS _unread", f"{_not_named(contract)} AS _missing")
        .selectExpr("*", f"{_beyond(contract)} AS _beyond")
        .selectExpr("*", f"CASE WHEN size(_unread) = 0 THEN _unfit ELSE {MISFITS} END AS _misfits")
        .selectExpr("* EXCEPT (_op, _row, _unfit, _unread)", f"{_readable(contract)} AS _op")
    )


def no_names() -> Column:
    """Give an empty array of texts."""
    return F.expr(NONE)


def those_true(texts: Iterable[tuple[str, str]]) -> str:
    """Give, in SQL, an array of those texts whose condition is true.

    Of the functions that leave NULLs out this one alone is compiled; array_compact took ten times as long.
    """
    cases = ", ".join(f"CASE WHEN {so} THEN '{_escaped(text)}' END" for text, so in texts)
    return f"array_except(CAST(array({cases}) AS ARRAY<STRING>), array(CAST(NULL AS STRING)))"


def _change(contract: Contract) -> Column:
    """Give the row as it should have been written; `_unfit` is not NULL where it was not."""
    fields = ", ".join(f"`{name}`: {written(sql_type)}" for name, sql_type in contract.columns.items())
    return F.from_json("value", f"after STRUCT<{fields}>, _unfit STRING", {"columnNameOfCorruptRecord": "_unfit"})


def _texts(contract: Contract) -> Column:
    """Give what was written otherwise, and keys, as text; NULL elsewhere: numbers as text cost a third more."""
    fields = f"STRUCT<{', '.join(f'`{name}`: STRING' for name in contract.columns)}>"
    otherwise = F.col("_change.after").isNull() | F.col("_change._unfit").isNotNull()
    return F.when(F.col("op") == DELETE, F.from_json("key", fields)).when(
        otherwise, F.from_json("value", f"after {fields}")["after"]
    )


def _as_written(contract: Contract) -> str:
    """Give the texts as a row that was written as it should be, as far as they can be read so."""
    fields = (f"'{name}', {as_written(_text(name), sql_type)}" for name, sql_type in contract.columns.items())
    return f"named_struct({', '.join(fields)})"


def _unfit(contract: Contract) -> str:
    """Give the names of the columns whose text cannot be read so."""
    return those_true(
        (name, f"{_text(name)} IS NOT NULL AND {as_written(_text(name), sql_type)} IS NULL")
        for name, sql_type in contract.columns.items()
        if not is_text(sql_type)
    )


def _unread(contract: Contract) -> str:
    """Give the names of the columns that have a value, but none of their type."""
    return those_true(
        (name, f"`{name}` IS NULL AND {_present(name, sql_type)} IS NOT NULL")
        for name, sql_type in contract.columns.items()
        if not is_as_written(sql_type)
    )


def _beyond(contract: Contract) -> str:
    """Give the names of the columns with a value of Postgres's that the lake has no place for."""
    asked = ((name, beyond(_present(name, sql_type), sql_type)) for name, sql_type in contract.columns.items())
    names = those_true((name, f"array_contains(_unread, '{name}') AND {so}") for name, so in asked if so != NEVER)
    return f"CASE WHEN size(_unread) > 0 THEN {names} ELSE {NONE} END"


def _not_named(contract: Contract) -> str:
    """Give the columns that a row should have had; a struct does not tell them from those that are NULL.

    Where none is NULL none is missing, and the message is not read a second time for their names.
    """
    some_null = " OR ".join(f"_row.`{name}` IS NULL" for name in contract.columns)
    expected = ", ".join(f"'{name}'" for name in contract.columns)
    named = "map_keys(from_json(_value, 'after MAP<STRING, STRING>').after)"
    absent = f"CASE WHEN _op IN {UPSERTS} AND ({some_null}) THEN array_except(array({expected}), {named}) END"
    return f"coalesce({absent}, {NONE})"


def _text(name: str) -> str:
    return f"_texts.`{name}`"


def _present(name: str, sql_type: str) -> str:
    # Only what is written as text is ever left out: the others are too short to be TOASTed.
    return f"nullif(_row.`{name}`, '{UNAVAILABLE}')" if is_text(sql_type) else f"_row.`{name}`"


def _left_out(contract: Contract) -> str:
    texts = (name for name, sql_type in contract.columns.items() if is_text(sql_type))
    return those_true((name, f"_row.`{name}` = '{UNAVAILABLE}'") for name in texts)


def _readable(contract: Contract) -> str:
    """Give the operation where the message is a change of this table with a whole key, else NULL."""
    # A value that is there and does not fit is a changed table, not an unreadable message.
    whole = " AND ".join(f"(`{name}` IS NOT NULL OR array_contains(_misfits, '{name}'))" for name in contract.key)
    return f"CASE WHEN _op = '{TRUNCATE}' OR (_op IN {(*UPSERTS, DELETE)} AND {whole}) THEN _op END"


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace("'", "\\'")
