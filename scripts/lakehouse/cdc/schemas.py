"""The columns of the lake's captured layers, with their Spark SQL types, made from the contracts."""

from collections.abc import Mapping

from lakehouse.cdc.contract import Contract

Columns = Mapping[str, str]

BRONZE: Columns = {
    "op": "string",
    "key": "string",
    "value": "string",
    "commit_seq": "bigint",
    "lsn": "bigint",
    "tx_id": "bigint",
    "committed_at": "timestamp",
    "is_snapshot": "boolean",
    "topic": "string",
    "incarnation": "int",
    "partition": "int",
    "offset": "bigint",
    "kafka_timestamp": "timestamp",
    "ingested_at": "timestamp",
}
# Where a row of Silver came from.
LINEAGE_COLUMNS: Columns = {
    "_op": "string",
    "_incarnation": "int",
    "_partition": "int",
    "_offset": "bigint",
    "_commit_seq": "bigint",
    "_lsn": "bigint",
    "_tx_id": "bigint",
    "_committed_at": "timestamp",
}
QUARANTINE: Columns = {
    "table_name": "string",
    "key": "string",
    "op": "string",
    "value": "string",
    "reasons": "array<string>",
    "incarnation": "int",
    "partition": "int",
    "offset": "bigint",
    "commit_seq": "bigint",
    "lsn": "bigint",
    "committed_at": "timestamp",
    "closed_at": "timestamp",
    "closed_by": "string",
}


def silver(contract: Contract) -> Columns:
    """Give the columns of the table as it is now."""
    return {**LINEAGE_COLUMNS, **contract.columns}


def versions(contract: Contract) -> Columns:
    """Give the columns of the table as it ever was: one row a change, refused ones with their reasons."""
    return {**LINEAGE_COLUMNS, "_reasons": "array<string>", **contract.columns}
