"""From Bronze's raw messages to typed changes: a contract's columns, and where each change came from."""

from collections.abc import Callable, Iterable
from functools import reduce
from operator import or_

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from lakehouse.cdc.contract import Contract
from lakehouse.cdc.values import beyond, typed

# What Debezium writes for a TOASTed value that the change did not touch and the WAL does not carry.
UNAVAILABLE = "__debezium_unavailable_value"
UPSERTS = ("c", "u", "r")
INSERT, DELETE, TRUNCATE = "c", "d", "t"
AGAIN = "again"  # instead of the operation of a change that was told before
STREAMED = ("c", "u", DELETE, TRUNCATE)
SNAPSHOT_ENDS = ("last", "last_in_data_collection")


def decode(messages: DataFrame, contract: Contract) -> DataFrame:
    """Give one typed change a message.

    Columns: `_op` (c, u, r, d or t; NULL where the message cannot be read as a change of this table), where the
    change came from (tables.ORIGIN), `_value` (the message as it came), `_ends_snapshot` (whether it is the last row
    of a snapshot), the contract's columns, and four arrays of their names: `_unchanged` (left out by Debezium),
    `_beyond` (a value that the lake has no place for), `_misfits` (a value of another type), `_missing` (not there).
    """
    # A struct's field is found by its number; a map would be searched for each of the many times a value is asked for.
    texts = ", ".join(f"`{name}`: STRING" for name in contract.columns)
    after = F.from_json("value", f"after STRUCT<{texts}>")["after"]
    keys = F.from_json("key", f"STRUCT<{texts}>")
    fields = messages.withColumn("_fields", F.when(F.col("op") == DELETE, keys).otherwise(after))
    read = fields.select(
        *_origin(),
        F.col("value").alias("_value"),
        _ends_snapshot().alias("_ends_snapshot"),
        "_fields",
        *(typed(_present(name), sql_type).alias(name) for name, sql_type in contract.columns.items()),
    )
    arrays = {
        "_unchanged": _names(contract, lambda name, _: _given(name) == UNAVAILABLE),
        "_beyond": _names(contract, lambda name, kind: _unread(name) & beyond(_present(name), kind)),
        "_misfits": _names(contract, lambda name, kind: _unread(name) & ~beyond(_present(name), kind)),
        "_missing": _not_named(contract),
    }
    return read.withColumns(arrays).withColumn("_op", _readable(contract)).drop("_fields")


def no_names() -> Column:
    """Give an empty array of texts."""
    return F.array().cast("array<string>")


def without_nulls(texts: Iterable[Column]) -> Column:
    """Give an array of those texts that are not NULL, each once.

    Of the functions that leave NULLs out this one alone is compiled; array_compact took ten times as long.
    """
    return F.array_except(F.array(*texts).cast("array<string>"), F.array(F.lit(None).cast("string")))


def _origin() -> list[Column]:
    names = ("op", "incarnation", "partition", "offset", "commit_seq", "lsn", "tx_id", "committed_at")
    return [F.col(name).alias(f"_{name}") for name in names]


def _names(contract: Contract, is_so: Callable[[str, str], Column]) -> Column:
    """Give the names of the columns of which something is so, asked by name and type."""
    return without_nulls(F.when(is_so(*column), column[0]) for column in contract.columns.items())


def _ends_snapshot() -> Column:
    """Say whether a message is the last row of a snapshot; only a snapshot's are read a second time for it."""
    snapshot = F.from_json("value", "source STRUCT<snapshot: STRING>")["source"]["snapshot"]
    return F.coalesce(F.when(F.col("is_snapshot"), snapshot.isin(*SNAPSHOT_ENDS)), F.lit(False))


def _not_named(contract: Contract) -> Column:
    """Give the columns that a row should have had; a struct does not tell them from those that are NULL.

    Where none is NULL none is missing, and the message is not read a second time for their names.
    """
    some_null = reduce(or_, (_given(name).isNull() for name in contract.columns))
    named = F.map_keys(F.from_json("_value", "after MAP<STRING, STRING>")["after"])
    expected = F.array(*(F.lit(name) for name in contract.columns))
    absent = F.when(F.col("_op").isin(*UPSERTS) & some_null, F.array_except(expected, named))
    return F.coalesce(absent, no_names())


def _given(name: str) -> Column:
    return F.col("_fields")[name]


def _present(name: str) -> Column:
    return F.nullif(_given(name), F.lit(UNAVAILABLE))


def _unread(name: str) -> Column:
    return _present(name).isNotNull() & F.col(name).isNull()


def _readable(contract: Contract) -> Column:
    """Give the operation where the message is a change of this table with a whole key, else NULL."""
    whole = F.lit(True)
    for name in contract.key:
        # A value that is there and does not fit is a changed table, not an unreadable message.
        whole = whole & (F.col(name).isNotNull() | F.array_contains("_misfits", name))
    change = F.col("_op").isin(*UPSERTS, DELETE) & whole
    return F.when(change | (F.col("_op") == TRUNCATE), F.col("_op"))
