"""Columns as Spark reads them in a schema."""

from lakehouse.cdc.schemas import Columns


def to_ddl(columns: Columns) -> str:
    """Give the columns as text: `_op` string, `id` int."""
    return ", ".join(f"`{name}` {sql_type}" for name, sql_type in columns.items())
