"""A table as sums: its rows dealt into buckets by their key, a count and a sum of hashes for each; then row by row."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import psycopg
from psycopg import sql
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from lakehouse.cdc.contract import Contract
from lakehouse.errors import SchemaMismatch
from lakehouse.reconcile import canonical

# The first hexadecimal digits of a key's hash are its bucket: 4096 of them, a thousand rows each of five million.
DIGITS = 3
# 60 bits: the longest number of whole digits that a bigint holds.
HASH_DIGITS = 15

Sums = Mapping[str, tuple[int, Decimal]]

SUMS = """
SELECT left(md5(key), {digits}), count(*), sum(('x' || left(md5(whole), {hash_digits}))::bit({bits})::bigint)
FROM (SELECT {key} AS key, {whole} AS whole FROM {table}) AS held
WHERE NOT EXISTS (SELECT FROM unnest(%s::text[]) AS refused (key) WHERE refused.key = held.key)
GROUP BY 1
"""
ROWS = """
SELECT key, label, hashes
FROM (SELECT {key} AS key, {label} AS label, ARRAY[{hashes}] AS hashes FROM {table}) AS held
WHERE left(md5(key), {digits}) = ANY (%s)
  AND NOT EXISTS (SELECT FROM unnest(%s::text[]) AS refused (key) WHERE refused.key = held.key)
"""


@dataclass(frozen=True)
class Row:
    """A row of a bucket that differs: its key as people read it, and a hash for each of the contract's columns."""

    key: str
    label: str
    hashes: Sequence[str]


def keys_in_spark(rows: DataFrame, contract: Contract) -> list[str]:
    """Give the keys' texts, to leave the rows out; these are few."""
    return [row.key for row in rows.select(canonical.in_spark(contract, contract.key).alias("key")).collect()]


def sums_in_spark(rows: DataFrame, contract: Contract) -> Sums:
    number = F.conv(F.left(F.md5(canonical.in_spark(contract, contract.columns)), F.lit(HASH_DIGITS)), 16, 10)
    summed = rows.groupBy(_bucket(contract).alias("bucket")).agg(
        F.count("*").alias("rows"), F.sum(number.cast("decimal(19,0)")).alias("sum")
    )
    return {row.bucket: (row["rows"], row["sum"]) for row in summed.collect()}


def sums_in_postgres(conn: psycopg.Connection, contract: Contract, refused: Sequence[str]) -> Sums:
    question = sql.SQL(SUMS).format(
        **_common(contract),
        whole=canonical.in_postgres(contract, contract.columns),
        hash_digits=sql.Literal(HASH_DIGITS),
        bits=sql.Literal(4 * HASH_DIGITS),
    )
    return {bucket: (rows, total) for bucket, rows, total in _ask(conn, contract, question, [[*refused]])}


def rows_in_spark(rows: DataFrame, contract: Contract, buckets: Iterable[str]) -> list[Row]:
    labels = (
        F.concat(F.lit(f"{name}="), F.coalesce(F.col(name).cast("string"), F.lit("NULL"))) for name in contract.key
    )
    hashes = (F.md5(canonical.field_in_spark(contract, name)) for name in contract.columns)
    chosen = rows.where(_bucket(contract).isin(*buckets)).select(
        canonical.in_spark(contract, contract.key).alias("key"),
        F.concat_ws(" ", *labels).alias("label"),
        F.array(*hashes).alias("hashes"),
    )
    return [Row(row.key, row.label, row.hashes) for row in chosen.collect()]


def rows_in_postgres(
    conn: psycopg.Connection, contract: Contract, buckets: Iterable[str], refused: Sequence[str]
) -> list[Row]:
    labels = (sql.SQL("{} || {}::text").format(sql.Literal(f"{name}="), sql.Identifier(name)) for name in contract.key)
    hashes = (sql.SQL("md5({})").format(canonical.field_in_postgres(contract, name)) for name in contract.columns)
    question = sql.SQL(ROWS).format(
        **_common(contract), label=sql.SQL(" || ' ' || ").join(labels), hashes=sql.SQL(", ").join(hashes)
    )
    return [Row(*found) for found in _ask(conn, contract, question, [[*buckets], [*refused]])]


def _bucket(contract: Contract) -> Column:
    return F.left(F.md5(canonical.in_spark(contract, contract.key)), F.lit(DIGITS))


def _common(contract: Contract) -> dict[str, sql.Composable]:
    return {
        "digits": sql.Literal(DIGITS),
        "key": canonical.in_postgres(contract, contract.key),
        "table": sql.Identifier(contract.schema, contract.table),
    }


def _ask(conn: psycopg.Connection, contract: Contract, question: sql.Composed, given: list[list[str]]) -> list[Any]:
    try:
        # A savepoint: what fails for one table leaves the snapshot to the others.
        with conn.transaction():
            return conn.execute(question, given).fetchall()
    except (psycopg.ProgrammingError, psycopg.DataError) as error:
        # What is wrong with a value may quote it; what is wrong with a column only names it.
        says = error.diag.message_primary if isinstance(error, psycopg.ProgrammingError) else type(error).__name__
        raise SchemaMismatch(
            f"{contract.table} cannot be read as its contract says: {says}. "
            f"Mend contracts/{contract.table}.py to the table as it is now."
        ) from None
