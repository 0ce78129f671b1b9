"""The load of the company into Postgres. It writes only rows that differ, so a second load changes nothing."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date

from lakehouse.errors import BadInput
from lakehouse.hr.company_files import Company
from lakehouse.hr.files import NOTHING_LOADED
from lakehouse.hr.mass_change import reject_mass_change
from lakehouse.hr.staging import EMPLOYEES, PRACTICES, comma_separated, stage, staging_table
from lakehouse.source.postgres import Connection, sql

MASS_DELETE_PERCENT = 20


@dataclass(frozen=True)
class RowCounts:
    """The number of rows that a load inserted, updated and deleted."""

    inserted: int
    updated: int
    deleted: int


@dataclass(frozen=True)
class LoadResult:
    """The row counts of a load, by table."""

    employees: RowCounts
    practices: RowCounts


def load_company(
    conn: Connection,
    company: Company,
    *,
    effective_from: date | None = None,
    allow_mass_delete: bool = False,
    allow_mass_change: bool = False,
) -> LoadResult:
    """Replace the employees and practices in Postgres by the company's, in one transaction.

    New and changed rows get valable_depuis = effective_from; NULL means from their commit on. Unchanged rows are not
    written. Employees who are not in the company are deleted, with the rows that reference them. With effective_from,
    it is first written to the leavers' rows, because a delete event carries only the key.
    Raises BadInput where more than 20 % would be deleted, unless allow_mass_delete.
    Raises it where too many with an active commute would lose something, unless allow_mass_change.
    """
    with conn.transaction():
        # Serializes concurrent loads; readers and the simulator are not blocked.
        conn.execute("LOCK TABLE public.rh_employees IN SHARE ROW EXCLUSIVE MODE")
        stage(conn, EMPLOYEES, company.employees)
        stage(conn, PRACTICES, company.practices)
        if not allow_mass_delete:
            _reject_mass_delete(conn, company.hr_file)
        if not allow_mass_change:
            reject_mass_change(conn, company)
        if effective_from:
            _set_leave_date(conn, effective_from)
        employees_deleted, practices_deleted = _delete_unstaged(conn, EMPLOYEES), _delete_unstaged(conn, PRACTICES)
        employees = _upsert(conn, EMPLOYEES, company.employees.columns, {"valable_depuis": effective_from})
        practices = _upsert(conn, PRACTICES, company.practices.columns, extra_columns={})
        return LoadResult(RowCounts(*employees, employees_deleted), RowCounts(*practices, practices_deleted))


def _reject_mass_delete(conn: Connection, file: str) -> None:
    query = sql.SQL("SELECT count(*), count(*) FILTER (WHERE id NOT IN (SELECT id FROM {staged})) FROM {table}").format(
        staged=staging_table(EMPLOYEES), table=sql.Identifier("public", EMPLOYEES)
    )
    present, leaving = conn.execute(query).fetchone() or (0, 0)
    if leaving * 100 > present * MASS_DELETE_PERCENT:
        raise BadInput(
            f"{file} : {leaving} salariés sur {present} n'y sont plus, plus de {MASS_DELETE_PERCENT} %. "
            f"Vérifiez que le fichier est complet ; s'il l'est, relancez avec --allow-mass-delete. {NOTHING_LOADED}"
        )


def _set_leave_date(conn: Connection, day: date) -> None:
    query = "UPDATE public.rh_employees SET valable_depuis = {day} WHERE id NOT IN (SELECT id FROM {staged})"
    conn.execute(sql.SQL(query).format(day=sql.Literal(day), staged=staging_table(EMPLOYEES)))


def _delete_unstaged(conn: Connection, table: str) -> int:
    """Delete the rows that are not staged; foreign keys cascade to those that reference them. Return the number."""
    query = "DELETE FROM {table} WHERE id NOT IN (SELECT id FROM {staged})"
    return conn.execute(
        sql.SQL(query).format(table=sql.Identifier("public", table), staged=staging_table(table))
    ).rowcount


def _upsert(conn: Connection, table: str, names: Iterable[str], extra_columns: Mapping[str, object]) -> tuple[int, int]:
    """Insert the staged rows, update those that differ, and return the number of each.

    `extra_columns` are written to these rows, but are not compared.
    """
    names = [*names]
    query = """
        INSERT INTO {table} AS current ({columns}) SELECT {values} FROM {staged} ORDER BY id
        ON CONFLICT (id) DO UPDATE SET ({columns}) = ROW ({new})
        WHERE ({current}) IS DISTINCT FROM ({compared})
        RETURNING xmax = 0
    """
    statement = sql.SQL(query).format(
        table=sql.Identifier("public", table),
        staged=staging_table(table),
        columns=comma_separated(sql.Identifier(name) for name in [*names, *extra_columns]),
        values=comma_separated([*map(sql.Identifier, names), *map(sql.Literal, extra_columns.values())]),
        new=comma_separated(sql.Identifier("excluded", name) for name in [*names, *extra_columns]),
        current=comma_separated(sql.Identifier("current", name) for name in names),
        compared=comma_separated(sql.Identifier("excluded", name) for name in names),
    )
    # xmax, the transaction that deleted or locked a row version, is 0 for an inserted row, not for an updated one.
    inserted = [bool(is_new) for (is_new,) in conn.execute(statement).fetchall()]
    return sum(inserted), len(inserted) - sum(inserted)
