"""Columns of the Bronze, Silver and quarantine tables, with their Spark SQL types; Silver's follow the contracts."""

from collections.abc import Mapping

from lakehouse.cdc.contract import Contract

Columns = Mapping[str, str]

BRONZE: Columns = {
    "op": "string",
    "key": "string",
    "value": "string",
    "last_commit_lsn": "bigint",
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
    "_last_commit_lsn": "bigint",
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
    "last_commit_lsn": "bigint",
    "lsn": "bigint",
    "committed_at": "timestamp",
    "resolved_at": "timestamp",
    "resolution": "string",
    "subject": "string",
}
# Messages that a person set aside for good. It lies beside Bronze, and so survives whatever happens to Silver.
REFUSED_CHANGES: Columns = {
    "table_name": "string",
    "incarnation": "int",
    "partition": "int",
    "offset": "bigint",
    "why": "string",
    "refused_at": "timestamp",
}


def silver(contract: Contract) -> Columns:
    """Return the columns of the table of current rows."""
    return {**LINEAGE_COLUMNS, **contract.columns}


def versions(contract: Contract) -> Columns:
    """Return the columns of the table of versions: one row per change, refused ones with their reasons."""
    return {**LINEAGE_COLUMNS, "_reasons": "array<string>", **contract.columns}
