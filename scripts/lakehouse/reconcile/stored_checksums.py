"""Checksums and counts of Silver's stored rows, by SQL in this process: Spark takes ten times as long to start them."""

from collections.abc import Sequence

from lakehouse.cdc import table_query
from lakehouse.cdc.contract import Contract
from lakehouse.cdc.table_store import TableStore
from lakehouse.reconcile.canonical import datafusion_row_text
from lakehouse.reconcile.checksums import BUCKET_DIGITS, HASH_DIGITS, BucketChecksums, Selection, all_rows

# DataFusion reads no hexadecimal number: the digits are added up.
HASH_NUMBER = " + ".join(
    f"CAST(strpos('0123456789abcdef', substr(hash, {digit + 1}, 1)) - 1 AS BIGINT) * {16 ** (HASH_DIGITS - 1 - digit)}"
    for digit in range(HASH_DIGITS)
)


def stored_checksums(
    store: TableStore, contract: Contract, selection: Selection, left_out: Sequence[str] = ()
) -> BucketChecksums:
    """Return the checksums of Silver's selected rows as stored, without those of the keys that are left out."""
    key, whole = (datafusion_row_text(contract, names) for names in (contract.key, selection.columns))
    rows = table_query.query_all(
        store,
        f"""
        SELECT bucket, count(*) AS rows, sum(CAST({HASH_NUMBER} AS DECIMAL(19, 0))) AS total
        FROM (
            SELECT left(md5({key}), {BUCKET_DIGITS}) AS bucket, md5({whole}) AS hash
            FROM stored WHERE {_condition(contract, selection, left_out)}
        ) GROUP BY bucket
        """,  # noqa: S608 - of the contract's names, and of literals
        stored=("silver", contract.table),
    )
    return {row["bucket"]: (row["rows"], row["total"]) for row in rows}


def stored_count(store: TableStore, contract: Contract, left_out: Sequence[str]) -> int:
    """Return the number of Silver's rows as stored, without those of the keys that are left out."""
    condition = _condition(contract, all_rows(contract), left_out)
    query = f"SELECT count(*) AS rows FROM stored WHERE {condition}"  # noqa: S608 - as above
    return int(table_query.query_one(store, query, stored=("silver", contract.table))["rows"])


def _condition(contract: Contract, selection: Selection, left_out: Sequence[str]) -> str:
    conditions = ["true"]
    if selection.filter_column:
        conditions.append(f'"{selection.filter_column}" IN ({table_query.literals(selection.values)})')
    if left_out:
        key = datafusion_row_text(contract, contract.key)
        conditions.append(f"{key} NOT IN ({table_query.literals(left_out)})")
    return " AND ".join(conditions)
