"""Each captured table's rows in Postgres and in Silver, and what is owed of it: for `make status`."""

from dataclasses import dataclass

from rich.table import Table

from lakehouse.cdc import table_stats
from lakehouse.cdc.contract import Contract
from lakehouse.cdc.table_store import TableStore
from lakehouse.contracts import CAPTURED
from lakehouse.errors import NotReady
from lakehouse.settings import Settings
from lakehouse.source.capture_check import find_problems, problems_by_table
from lakehouse.source.postgres import Connection, short_connection, sql


@dataclass(frozen=True)
class TableStatus:
    """The rows of a table in Postgres now, and in Silver since the last refresh; None where it does not exist yet."""

    table: str
    postgres_rows: int | None
    silver_rows: int | None
    problems: tuple[str, ...] = ()


def read_table_status(settings: Settings) -> list[TableStatus]:
    """Return the status of every captured table. Raises NotReady where Postgres does not answer."""
    try:
        problems = find_problems(settings)
    except NotReady:  # Connect does not answer, which the service's own line shows
        problems = find_problems(settings, check_connector=False)
    by_table = problems_by_table(problems, CAPTURED)
    store = TableStore(settings.lake)
    with short_connection(settings) as conn:
        return [
            TableStatus(
                contract.table,
                _postgres_rows(conn, contract),
                _silver_rows(store, contract),
                tuple(map(str, by_table.get(contract.table, ()))),
            )
            for contract in CAPTURED
        ]


def to_rich_table(tables: list[TableStatus]) -> Table:
    """Return the status as a table for a terminal."""
    rich_table = Table("table", "rows in Postgres", "rows in Silver", "owed")
    for table in tables:
        counts = ("none yet" if rows is None else str(rows) for rows in (table.postgres_rows, table.silver_rows))
        rich_table.add_row(table.table, *counts, "\n".join(table.problems) or "nothing")
    return rich_table


def _postgres_rows(conn: Connection, contract: Contract) -> int | None:
    name = f"{contract.schema}.{contract.table}"
    if conn.execute("SELECT to_regclass(%s) IS NULL", [name]).fetchone() == (True,):
        return None
    query = sql.SQL("SELECT count(*) FROM {}").format(sql.Identifier(contract.schema, contract.table))
    row = conn.execute(query).fetchone()
    return None if row is None else int(row[0])


def _silver_rows(store: TableStore, contract: Contract) -> int | None:
    if not store.exists("silver", contract.table):
        return None
    return table_stats.row_count(store, "silver", contract.table)
