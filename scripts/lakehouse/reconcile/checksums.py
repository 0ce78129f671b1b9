"""Checksums of a table: rows in buckets by key hash, with a row count and a sum of row hashes each; then row hashes."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from lakehouse.cdc.contract import Contract
from lakehouse.errors import SchemaMismatch
from lakehouse.reconcile import canonical
from lakehouse.source.postgres import Connection, DataError, ProgrammingError, sql
from lakehouse.spark.literals import lit

# The first hexadecimal digits of a key's hash name its bucket: 4096 buckets, a thousand rows each for five million.
BUCKET_DIGITS = 3
# 60 bits: the most hexadecimal digits that fit a bigint.
HASH_DIGITS = 15

BucketChecksums = Mapping[str, tuple[int, Decimal]]

CHECKSUMS_QUERY = """
SELECT left(md5(key), {digits}), count(*), sum(('x' || left(md5(whole), {hash_digits}))::bit({bits})::bigint)
FROM (SELECT {key} AS key, {whole} AS whole FROM {table}) AS current
WHERE NOT EXISTS (SELECT FROM unnest(%s::text[]) AS refused (key) WHERE refused.key = current.key)
GROUP BY 1
"""
ROWS_QUERY = """
SELECT key, label, hashes
FROM (SELECT {key} AS key, {label} AS label, ARRAY[{hashes}] AS hashes FROM {table}) AS current
WHERE left(md5(key), {digits}) = ANY (%s)
  AND NOT EXISTS (SELECT FROM unnest(%s::text[]) AS refused (key) WHERE refused.key = current.key)
"""


@dataclass(frozen=True)
class RowHashes:
    """A row of a differing bucket: `label` is its readable key, `hashes` has one hash per column of the contract."""

    key: str
    label: str
    hashes: Sequence[str]


def spark_key_texts(rows: DataFrame, contract: Contract) -> list[str]:
    """Return the canonical texts of the rows' keys, collected to the driver: refused rows are few."""
    return [row.key for row in rows.select(canonical.spark_row_text(contract, contract.key).alias("key")).collect()]


def spark_checksums(rows: DataFrame, contract: Contract) -> BucketChecksums:
    row_hash = F.conv(F.left(F.md5(canonical.spark_row_text(contract, contract.columns)), lit(HASH_DIGITS)), 16, 10)
    by_bucket = rows.groupBy(_bucket(contract).alias("bucket")).agg(
        F.count("*").alias("rows"), F.sum(row_hash.cast("decimal(19,0)")).alias("sum")
    )
    return {row.bucket: (row["rows"], row["sum"]) for row in by_bucket.collect()}


def postgres_checksums(conn: Connection, contract: Contract, refused: Sequence[str]) -> BucketChecksums:
    query = sql.SQL(CHECKSUMS_QUERY).format(
        **_common_parts(contract),
        whole=canonical.postgres_row_text(contract, contract.columns),
        hash_digits=sql.Literal(HASH_DIGITS),
        bits=sql.Literal(4 * HASH_DIGITS),
    )
    return {bucket: (rows, total) for bucket, rows, total in _fetch_all(conn, contract, query, [[*refused]])}


def spark_row_hashes(rows: DataFrame, contract: Contract, buckets: Iterable[str]) -> list[RowHashes]:
    labels = (F.concat(lit(f"{name}="), F.coalesce(F.col(name).cast("string"), lit("NULL"))) for name in contract.key)
    hashes = (F.md5(canonical.spark_field_text(contract, name)) for name in contract.columns)
    hashed = rows.where(_bucket(contract).isin(*buckets)).select(
        canonical.spark_row_text(contract, contract.key).alias("key"),
        F.concat_ws(" ", *labels).alias("label"),
        F.array(*hashes).alias("hashes"),
    )
    return [RowHashes(row.key, row.label, row.hashes) for row in hashed.collect()]


def postgres_row_hashes(
    conn: Connection, contract: Contract, buckets: Iterable[str], refused: Sequence[str]
) -> list[RowHashes]:
    labels = (sql.SQL("{} || {}::text").format(sql.Literal(f"{name}="), sql.Identifier(name)) for name in contract.key)
    hashes = (sql.SQL("md5({})").format(canonical.postgres_field_text(contract, name)) for name in contract.columns)
    query = sql.SQL(ROWS_QUERY).format(
        **_common_parts(contract), label=sql.SQL(" || ' ' || ").join(labels), hashes=sql.SQL(", ").join(hashes)
    )
    return [RowHashes(*row) for row in _fetch_all(conn, contract, query, [[*buckets], [*refused]])]


def _bucket(contract: Contract) -> Column:
    return F.left(F.md5(canonical.spark_row_text(contract, contract.key)), lit(BUCKET_DIGITS))


def _common_parts(contract: Contract) -> dict[str, sql.Composable]:
    return {
        "digits": sql.Literal(BUCKET_DIGITS),
        "key": canonical.postgres_row_text(contract, contract.key),
        "table": sql.Identifier(contract.schema, contract.table),
    }


def _fetch_all(conn: Connection, contract: Contract, query: sql.Composed, parameters: list[list[str]]) -> list[Any]:
    try:
        # A savepoint: an error in one table must not abort the transaction that the others share.
        with conn.transaction():
            return conn.execute(query, parameters).fetchall()
    except (ProgrammingError, DataError) as error:
        # A DataError may quote a value, which is personal data; a ProgrammingError only names a column.
        message = error.diag.message_primary if isinstance(error, ProgrammingError) else type(error).__name__
        raise SchemaMismatch(
            f"{contract.table} does not match its contract: {message}. {contract.hints.change_contract}"
        ) from None
