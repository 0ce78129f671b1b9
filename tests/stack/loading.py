"""A full load into a test's database, and what the database then holds."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from psycopg.rows import TupleRow

from hr_files import Row, company, practice, staff
from lakehouse.settings import Settings
from lakehouse.source.full_load import Order, full_load
from lakehouse.source.postgres import connect


def load(database: Settings, folder: Path, hr: Sequence[Row], *sports: Row, **order: Any) -> list[str]:
    """Load these files; no history unless asked for."""
    company(folder, hr, sports or [practice(1, "Running")])
    settings = database.model_copy(update={"output_dir": folder / "output"})
    return list(full_load(settings, Order(folder=folder, **{"history_months": 0, "seed": 1, "wait": 0.0, **order})))


def rows(database: Settings, query: str) -> list[TupleRow]:
    with connect(database) as conn:
        return conn.execute(query.encode()).fetchall()


def run(database: Settings, statement: str) -> None:
    with connect(database) as conn:
        conn.execute(statement.encode())


def everything(database: Settings) -> dict[str, list[TupleRow]]:
    """Give all that is in the tables, with the transaction that wrote each row."""
    with connect(database) as conn:
        tables = [name for (name,) in conn.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")]
        query = "SELECT xmin, * FROM {} ORDER BY 2"
        return {name: conn.execute(query.format(name).encode()).fetchall() for name in tables}


def with_history(count: int) -> tuple[list[Row], list[Row]]:
    """Give so many employees, each of whom runs."""
    return staff(count), [practice(number, "Running") for number in range(1, count + 1)]
