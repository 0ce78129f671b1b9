"""Columns of the Bronze, Silver and quarantine tables, with their Spark SQL types; Silver's follow the contracts."""

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
# The change from which a row of Silver came.
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
    """Return the columns of the table of current rows."""
    return {**LINEAGE_COLUMNS, **contract.columns}


def versions(contract: Contract) -> Columns:
    """Return the columns of the table of versions: one row per change, refused ones with their reasons."""
    return {**LINEAGE_COLUMNS, "_reasons": "array<string>", **contract.columns}
