"""Decoding of Bronze's raw messages into typed changes, with the contract's columns and the lineage of each change."""

from collections.abc import Iterator

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
from lakehouse.cdc.merge.delete_keys import is_unreliable
from lakehouse.cdc.merge.problems import (
    MISSING,
    OUT_OF_RANGE,
    TOASTED,
    TYPE_MISMATCH,
    UNRELIABLE_KEY,
    Condition,
    problems_where,
)
from lakehouse.cdc.schemas import LINEAGE_COLUMNS

# Debezium's placeholder for a TOASTed value that the change did not modify and the WAL does not have.
UNAVAILABLE_VALUE = "__debezium_unavailable_value"
UPSERT_OPS = ("c", "u", "r")
INSERT, DELETE, TRUNCATE = "c", "d", "t"
DUPLICATE = "duplicate"  # replaces the operation of a redelivered change
STREAMED_OPS = ("c", "u", DELETE, TRUNCATE)
# A message is parsed a second time for this only where it can be true.
ENDS_SNAPSHOT = """
    coalesce(is_snapshot AND contains(value, '"last')
             AND from_json(value, 'source STRUCT<snapshot: STRING>').source.snapshot
             IN ('last', 'last_in_data_collection'), false)
"""
# Fields of the message around the row that may be null: a column of that name is looked for in the row alone.
NULLABLE_ENVELOPE_FIELDS = frozenset(
    {"before", "after", "source", "transaction", "op", "ts_ms", "ts_us", "ts_ns"}
    | {"snapshot", "sequence", "txId", "lsn", "xmin"}
)
NO_NAMES = "CAST(array() AS ARRAY<STRING>)"


def decode(messages: DataFrame, contract: Contract) -> DataFrame:
    """Return one typed change per message.

    Columns:
    - the contract's columns;
    - LINEAGE_COLUMNS, with `_op` c, u, r, d or t, or NULL where it is no change of a known row;
    - `_value`, the raw message;
    - `_ends_snapshot`, whether the message is the last row of a snapshot;
    - `_problems`, the columns without a value that fits the contract, each with the kind of problem.
    """
    columns = contract.columns.items()
    return (
        messages.withColumn("_change", F.when(F.col("op") != DELETE, _parse_change(contract)))
        .withColumn("_texts", _parse_as_text(contract))
        .withColumn("_before", _of_deletes(F.from_json("value", "before MAP<STRING, STRING>")["before"]))
        .withColumn("_key_names", _of_deletes(F.json_object_keys("key")))
        # A struct's field is read by its index; a map would be searched at each of the many uses of a value.
        .withColumn("_row", F.expr(f"CASE WHEN _texts IS NULL THEN _change.after ELSE {_row_from_texts(contract)} END"))
        .selectExpr(
            *(f"{name.removeprefix('_')} AS {name}" for name in LINEAGE_COLUMNS),
            "value AS _value",
            f"{ENDS_SNAPSHOT} AS _ends_snapshot",
            "_row",
            "_texts",
            "_before",
            "_key_names",
            *(f"{from_wire(_value_or_null(name, sql_type), sql_type)} AS `{name}`" for name, sql_type in columns),
            f"{_missing_columns(contract)} AS _missing_columns",
        )
        .selectExpr(
            "* EXCEPT (_row, _texts, _before, _key_names, _missing_columns)", f"{_problems(contract)} AS _problems"
        )
        .selectExpr("* EXCEPT (_op)", f"{_valid_op(contract)} AS _op")
    )


def _parse_change(contract: Contract) -> Column:
    """Return the row parsed by its wire types; `_corrupt_record` is not NULL where a value is of another type."""
    fields = ", ".join(f"`{name}`: {wire_type(sql_type)}" for name, sql_type in contract.columns.items())
    return F.from_json(
        "value", f"after STRUCT<{fields}>, _corrupt_record STRING", {"columnNameOfCorruptRecord": "_corrupt_record"}
    )


def _of_deletes(parsed: Column) -> Column:
    """Return a parsed value where the message is a delete, else NULL, without parsing."""
    return F.when(F.col("op") == DELETE, parsed)


def _parse_as_text(contract: Contract) -> Column:
    """Return corrupt rows, and keys of deletes, as texts, else NULL: numbers parsed as text cost a third more."""
    fields = f"STRUCT<{', '.join(f'`{name}`: STRING' for name in contract.columns)}>"
    is_corrupt = F.col("_change.after").isNull() | F.col("_change._corrupt_record").isNotNull()
    return F.when(F.col("op") == DELETE, F.from_json("key", fields)).when(
        is_corrupt, F.from_json("value", f"after {fields}")["after"]
    )


def _row_from_texts(contract: Contract) -> str:
    """Return SQL for the row of texts cast to the wire types; NULL where a text is no such value."""
    fields = (f"'{name}', {cast_to_wire_type(_text(name), sql_type)}" for name, sql_type in contract.columns.items())
    return f"named_struct({', '.join(fields)})"


def _problems(contract: Contract) -> str:
    """Return SQL for the problems of a row, or of the key of a delete."""
    conditions = {name: [*_conditions(name, sql_type)] for name, sql_type in contract.columns.items()}
    for name in contract.key:
        conditions[name].append((UNRELIABLE_KEY, f"_op = '{DELETE}' AND {is_unreliable(contract, name)}"))
    return problems_where(conditions)


def _conditions(name: str, sql_type: str) -> Iterator[Condition]:
    """Yield each problem that a column of this type may have, with SQL for its condition."""
    if is_text(sql_type):
        yield TOASTED, f"_row.`{name}` = '{UNAVAILABLE_VALUE}'"
    else:
        yield TYPE_MISMATCH, f"{_text(name)} IS NOT NULL AND {cast_to_wire_type(_text(name), sql_type)} IS NULL"
    if not is_identity(sql_type):
        value = _value_or_null(name, sql_type)
        has_lost_value = f"`{name}` IS NULL AND {value} IS NOT NULL"
        if (out_of_range := is_out_of_range(value, sql_type)) != NEVER:
            yield OUT_OF_RANGE, f"{has_lost_value} AND {out_of_range}"
        yield TYPE_MISMATCH, has_lost_value
    yield MISSING, f"_row.`{name}` IS NULL AND array_contains(_missing_columns, '{name}')"


def _missing_columns(contract: Contract) -> str:
    """Return SQL for the names of the columns that the message lacks; a parsed struct has NULL for them.

    Its names are parsed only where a column is NULL and no null of that name is in the text.
    """
    may_lack = " OR ".join(f"(_row.`{name}` IS NULL AND NOT {_has_null_in_text(name)})" for name in contract.columns)
    expected = ", ".join(f"'{name}'" for name in contract.columns)
    sent_names = "map_keys(from_json(value, 'after MAP<STRING, STRING>').after)"
    missing = f"CASE WHEN op IN {UPSERT_OPS} AND ({may_lack}) THEN array_except(array({expected}), {sent_names}) END"
    return f"coalesce({missing}, {NO_NAMES})"


def _has_null_in_text(name: str) -> str:
    """Return SQL for whether the text has a field of this name that is null; no string in JSON has this text in it.

    Debezium writes `before` with the same columns as `after`.
    """
    return NEVER if name in NULLABLE_ENVELOPE_FIELDS else f"""contains(value, '"{name}":null')"""


def _text(name: str) -> str:
    return f"_texts.`{name}`"


def _value_or_null(name: str, sql_type: str) -> str:
    # Only values that are written as text can be TOASTed: the others are too short.
    return f"nullif(_row.`{name}`, '{UNAVAILABLE_VALUE}')" if is_text(sql_type) else f"_row.`{name}`"


def _valid_op(contract: Contract) -> str:
    """Return SQL for the operation where the message is a change of this table, of a known row, else NULL."""
    has_whole_key = " AND ".join(f"`{name}` IS NOT NULL" for name in contract.key)
    is_known = f"{has_whole_key} AND NOT array_contains(_problems.kind, '{UNRELIABLE_KEY}')"
    return f"CASE WHEN _op = '{TRUNCATE}' OR (_op IN {(*UPSERT_OPS, DELETE)} AND {is_known}) THEN _op END"
