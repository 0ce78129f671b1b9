"""The staged rows of a load: a temporary table beside each table of Postgres, to be compared with it by SQL."""

from collections.abc import Iterable

import pandas as pd

from lakehouse.source.postgres import Connection, sql

EMPLOYEES, PRACTICES = "rh_employees", "sport_activities"


def stage(conn: Connection, table: str, rows: pd.DataFrame) -> None:
    """Copy the rows into the staging table, which is dropped at the end of the transaction."""
    names = comma_separated(map(sql.Identifier, rows.columns))
    create = "CREATE TEMP TABLE {staged} ON COMMIT DROP AS SELECT {names} FROM public.{table} WITH NO DATA"
    conn.execute(sql.SQL(create).format(staged=staging_table(table), names=names, table=sql.Identifier(table)))
    copy = sql.SQL("COPY {staged} ({names}) FROM STDIN").format(staged=staging_table(table), names=names)
    conn.copy(copy, rows.itertuples(index=False, name=None))


def staging_table(table: str) -> sql.Identifier:
    """Return the name of the staging table of a table."""
    return sql.Identifier("pg_temp", f"loaded_{table}")


def comma_separated(parts: Iterable[sql.Composable]) -> sql.Composed:
    return sql.SQL(", ").join(parts)
