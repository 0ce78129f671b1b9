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
# Their canonical text is Postgres's own, so that a list of texts is cast to them and found by the primary key's index.
INDEXED_KEY_TYPES = ("int", "bigint")

BucketChecksums = Mapping[str, tuple[int, Decimal]]

CHECKSUMS_QUERY = """
SELECT left(md5(key), {digits}), count(*), sum(('x' || left(md5(whole), {hash_digits}))::bit({bits})::bigint)
FROM (SELECT {key} AS key, {whole} AS whole FROM {table} WHERE {condition}) AS current
GROUP BY 1
"""
ROWS_QUERY = """
SELECT key, label, hashes
FROM (SELECT {key} AS key, {label} AS label, ARRAY[{hashes}] AS hashes FROM {table} WHERE {condition}) AS current
WHERE left(md5(key), {digits}) = ANY (%(buckets)s)
"""
COUNT_QUERY = "SELECT count(*) FROM {table} WHERE {condition}"
BOUNDED_COUNT_QUERY = "SELECT count(*) FROM (SELECT FROM {table} LIMIT %(bound)s) AS first_rows"


@dataclass(frozen=True)
class Selection:
    """What is compared of a table: `columns` of all rows, or of those whose `filter_column` has one of `values`."""

    columns: Sequence[str]
    filter_column: str = ""
    values: Sequence[Any] = ()

    @property
    def condition(self) -> sql.Composable:
        return (
            sql.SQL("{} = ANY (%(values)s)").format(sql.Identifier(self.filter_column)) if self.filter_column else ALL
        )


@dataclass(frozen=True)
class RowHashes:
    """A row of a differing bucket: `label` is its readable key, `hashes` has one hash per compared column."""

    key: str
    label: str
    hashes: Sequence[str]


ALL = sql.SQL("true")


def all_rows(contract: Contract) -> Selection:
    """Return the selection of every column of every row."""
    return Selection([*contract.columns])


def spark_key_texts(rows: DataFrame, contract: Contract) -> list[str]:
    """Return the canonical texts of the rows' keys, collected to the driver: keys that are left out are few."""
    return [row.key for row in rows.select(canonical.spark_row_text(contract, contract.key).alias("key")).collect()]


def spark_checksums(rows: DataFrame, contract: Contract, columns: Sequence[str]) -> BucketChecksums:
    row_hash = F.conv(F.left(F.md5(canonical.spark_row_text(contract, columns)), lit(HASH_DIGITS)), 16, 10)
    by_bucket = rows.groupBy(_bucket(contract).alias("bucket")).agg(
        F.count("*").alias("rows"), F.sum(row_hash.cast("decimal(19,0)")).alias("sum")
    )
    return {row.bucket: (row["rows"], row["sum"]) for row in by_bucket.collect()}


def postgres_checksums(
    conn: Connection,
    contract: Contract,
    selection: Selection,
    left_out: Sequence[str] = (),
    read_before: BucketChecksums | None = None,
) -> BucketChecksums:
    """Return the checksums of the selected rows, without those of the keys that are left out.

    `read_before` are those of all selected rows, if they were read in the same snapshot.
    """
    checksums = _fetch_checksums(conn, contract, selection, {}) if read_before is None else read_before
    excluded = _fetch_checksums(conn, contract, selection, {"keys": [*left_out]}) if left_out else {}
    return subtract(checksums, excluded)


def subtract(checksums: BucketChecksums, excluded: BucketChecksums) -> BucketChecksums:
    """Return checksums without those rows; a bucket without rows is left out."""
    nothing = (0, Decimal())
    rest = {
        bucket: (rows - excluded.get(bucket, nothing)[0], total - excluded.get(bucket, nothing)[1])
        for bucket, (rows, total) in checksums.items()
    }
    return {bucket: checksum for bucket, checksum in rest.items() if checksum[0]}


def postgres_count(conn: Connection, contract: Contract, keys: Sequence[str] | None = None) -> int:
    """Return the number of the table's rows, or of those with these keys."""
    query = sql.SQL(COUNT_QUERY).format(**_common_parts(contract), condition=_condition(contract, ALL, keys))
    [[rows]] = _fetch_all(conn, contract, query, {} if keys is None else {"keys": [*keys]})
    return int(rows)


def postgres_has_more_rows(conn: Connection, contract: Contract, bound: int) -> bool:
    """Return whether the table has more rows than `bound`, reading at most one more."""
    query = sql.SQL(BOUNDED_COUNT_QUERY).format(**_common_parts(contract))
    [[rows]] = _fetch_all(conn, contract, query, {"bound": bound + 1})
    return int(rows) > bound


def spark_row_hashes(
    rows: DataFrame, contract: Contract, columns: Sequence[str], buckets: Iterable[str]
) -> list[RowHashes]:
    labels = (F.concat(lit(f"{name}="), F.coalesce(F.col(name).cast("string"), lit("NULL"))) for name in contract.key)
    hashes = (F.md5(canonical.spark_field_text(contract, name)) for name in columns)
    hashed = rows.where(_bucket(contract).isin(*buckets)).select(
        canonical.spark_row_text(contract, contract.key).alias("key"),
        F.concat_ws(" ", *labels).alias("label"),
        F.array(*hashes).alias("hashes"),
    )
    return [RowHashes(row.key, row.label, row.hashes) for row in hashed.collect()]


def postgres_row_hashes(
    conn: Connection, contract: Contract, selection: Selection, buckets: Iterable[str], left_out: Sequence[str]
) -> list[RowHashes]:
    labels = (sql.SQL("{} || {}::text").format(sql.Literal(f"{name}="), sql.Identifier(name)) for name in contract.key)
    hashes = (sql.SQL("md5({})").format(canonical.postgres_field_text(contract, name)) for name in selection.columns)
    query = sql.SQL(ROWS_QUERY).format(
        **_common_parts(contract),
        label=sql.SQL(" || ' ' || ").join(labels),
        hashes=sql.SQL(", ").join(hashes),
        condition=selection.condition,
    )
    rows = _fetch_all(conn, contract, query, {"values": [*selection.values], "buckets": [*buckets]})
    excluded = {*left_out}
    return [RowHashes(*row) for row in rows if row[0] not in excluded]


def _fetch_checksums(
    conn: Connection, contract: Contract, selection: Selection, parameters: Mapping[str, Any]
) -> BucketChecksums:
    query = sql.SQL(CHECKSUMS_QUERY).format(
        **_common_parts(contract),
        whole=canonical.postgres_row_text(contract, selection.columns),
        hash_digits=sql.Literal(HASH_DIGITS),
        bits=sql.Literal(4 * HASH_DIGITS),
        condition=_condition(contract, selection.condition, parameters.get("keys")),
    )
    rows = _fetch_all(conn, contract, query, {"values": [*selection.values], **parameters})
    return {bucket: (count, total) for bucket, count, total in rows}


def _condition(contract: Contract, condition: sql.Composable, keys: Sequence[str] | None) -> sql.Composable:
    """Return the condition, and that a row's key is among those of the parameter `keys`, if there are any."""
    return condition if keys is None else sql.SQL("{} AND {}").format(condition, _has_key(contract))


def _has_key(contract: Contract) -> sql.Composable:
    kinds = [contract.columns[name] for name in contract.key]
    if len(kinds) == 1 and kinds[0] in INDEXED_KEY_TYPES:
        column, kind = sql.Identifier(contract.key[0]), sql.SQL(kinds[0])
        return sql.SQL("{} = ANY (%(keys)s::text[]::{}[])").format(column, kind)
    return sql.SQL("{} = ANY (%(keys)s)").format(canonical.postgres_row_text(contract, contract.key))


def _bucket(contract: Contract) -> Column:
    return F.left(F.md5(canonical.spark_row_text(contract, contract.key)), lit(BUCKET_DIGITS))


def _common_parts(contract: Contract) -> dict[str, sql.Composable]:
    return {
        "digits": sql.Literal(BUCKET_DIGITS),
        "key": canonical.postgres_row_text(contract, contract.key),
        "table": sql.Identifier(contract.schema, contract.table),
    }


def _fetch_all(conn: Connection, contract: Contract, query: sql.Composed, parameters: Mapping[str, Any]) -> list[Any]:
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
