"""Schemas for Spark from the columns of a table."""

from lakehouse.cdc.schemas import Columns


def to_ddl(columns: Columns) -> str:
    """Return the columns as a DDL schema: `_op` string, `id` int."""
    return ", ".join(f"`{name}` {sql_type}" for name, sql_type in columns.items())
