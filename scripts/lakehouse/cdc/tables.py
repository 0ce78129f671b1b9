"""The schemas of the lake's captured layers, as DDL, made from the contracts."""

from lakehouse.cdc.contract import Contract

BRONZE = """
    op STRING, key STRING, value STRING, commit_seq BIGINT, lsn BIGINT, tx_id BIGINT, committed_at TIMESTAMP,
    is_snapshot BOOLEAN, topic STRING, incarnation INT, partition INT, offset BIGINT, kafka_timestamp TIMESTAMP,
    ingested_at TIMESTAMP
"""
POSITION = "_op STRING, _incarnation INT, _partition INT, _offset BIGINT, _commit_seq BIGINT, _lsn BIGINT"
ORIGIN = f"{POSITION}, _tx_id BIGINT, _committed_at TIMESTAMP"
QUARANTINE = """
    table_name STRING, key STRING, op STRING, value STRING, reasons ARRAY<STRING>, incarnation INT, partition INT,
    offset BIGINT, commit_seq BIGINT, lsn BIGINT, committed_at TIMESTAMP, closed_at TIMESTAMP, closed_by STRING
"""
ORIGIN_COLUMNS = tuple(column.split()[0] for column in ORIGIN.split(", "))


def silver(contract: Contract) -> str:
    """Give the columns of the table as it is now: where each row came from, then the contract's columns."""
    return f"{ORIGIN}, {_columns(contract)}"


def versions(contract: Contract) -> str:
    """Give the columns of the table as it ever was: one row a change, refused ones with their reasons."""
    return f"{ORIGIN}, _reasons ARRAY<STRING>, {_columns(contract)}"


def _columns(contract: Contract) -> str:
    return ", ".join(f"`{name}` {sql_type.upper()}" for name, sql_type in contract.columns.items())
