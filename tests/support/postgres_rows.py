"""Rows of Postgres by column name."""

from typing import Any

from lakehouse.source.postgres import Cursor


def as_dicts(rows: Cursor) -> list[dict[str, Any]]:
    """Return the rows of an executed statement as dictionaries from column name to value."""
    names = [column.name for column in rows.description or ()]
    return [dict(zip(names, row, strict=True)) for row in rows]
