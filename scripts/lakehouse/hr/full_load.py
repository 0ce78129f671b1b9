"""The full load: tables, HR's files, the reward rules, and going live."""

from collections.abc import Callable, Iterator
from datetime import date

from lakehouse.errors import BadInput, LakehouseError
from lakehouse.french import format_day
from lakehouse.hr.company_files import Company, read_company
from lakehouse.hr.export_csv import export_cleaned_csv
from lakehouse.hr.input_folder import choose_folder, describe_sample
from lakehouse.hr.load_options import LoadOptions
from lakehouse.hr.upsert import LoadResult, RowCounts, load_company
from lakehouse.settings import Settings
from lakehouse.source.ddl import apply_ddl
from lakehouse.source.go_live import mark_live, read_go_live
from lakehouse.source.postgres import LONG_DEADLINE_S, Connection, Error, connect
from lakehouse.source.roles import as_loader
from lakehouse.source.seed_rules import seed_rules


def full_load(
    settings: Settings,
    options: LoadOptions,
    backfill: Callable[[Connection], int] = lambda _: 0,
    *,
    today: date,
) -> Iterator[str]:
    """Run the full load and yield its report line by line: row counts and remarks, without personal data.

    `backfill` inserts the activities of before the first load, and returns their number.

    Raises BadInput, with nothing loaded, where a file or an option cannot be used.
    """
    if options.if_not_live and _is_live(settings, options.wait):
        yield "déjà en service : rien n'est chargé. Pour d'autres fichiers : python scripts/ETL_Full_Load/pipeline.py"
        return
    _reject_future_date(options.effective_from, today)
    folder = choose_folder(options.folder, settings.input_dir, lambda: _is_live(settings, options.wait))
    if folder != options.folder:
        yield describe_sample(options.folder)
    company = read_company(folder)
    yield from company.remarks
    apply_ddl(settings, timeout=options.wait)
    with connect(as_loader(settings), autocommit=True, deadline=LONG_DEADLINE_S) as conn:
        result, seeded = _load_in_one_transaction(conn, company, settings, options)
        yield _format_row_counts("rh_employees", len(company.employees), result.employees)
        yield _format_row_counts("sport_activities", len(company.practices), result.practices)
        yield f"reward_rules      {'premières règles' if seeded else 'inchangées'}"
        generated = mark_live(conn, backfill)
        yield _format_go_live(generated)


def _reject_future_date(day: date | None, today: date) -> None:
    """Raise BadInput for an effective date in the future: today's results would include the changes at once."""
    if day and day > today:
        raise BadInput(
            f"--effective-from {day} : le {format_day(day)} est à venir, nous sommes le {format_day(today)}. "
            "Rien n'est chargé : les chiffres changeraient dès aujourd'hui. Chargez ce fichier ce jour-là, ou après."
        )


def _is_live(settings: Settings, timeout: float) -> bool:
    apply_ddl(settings, timeout=timeout)  # new tables reach an old database even where nothing is loaded
    with connect(as_loader(settings), autocommit=True, deadline=LONG_DEADLINE_S) as conn:
        return read_go_live(conn) is not None


def _load_in_one_transaction(
    conn: Connection, company: Company, settings: Settings, options: LoadOptions
) -> tuple[LoadResult, bool]:
    """Load the company, and the rules into an empty table, in one transaction.

    Returns the result of the load, and whether the rules were inserted.
    """
    try:
        with export_cleaned_csv(company, settings.output_dir), conn.transaction():
            result = load_company(
                conn,
                company,
                effective_from=options.effective_from,
                allow_mass_delete=options.allow_mass_delete,
                allow_mass_change=options.allow_mass_change,
            )
            return result, seed_rules(conn, settings)
    except Error as error:
        # The message of the original error may quote a row.
        raise LakehouseError(
            f"Postgres a refusé le chargement ({type(error).__name__}, table {error.diag.table_name}, contrainte "
            f"{error.diag.constraint_name}). Rien n'est changé ; le journal de Postgres en dit la raison."
        ) from None


def _format_row_counts(table: str, rows: int, changes: RowCounts) -> str:
    return (
        f"{table:<17} {rows} lignes (nouvelles : {changes.inserted}, modifiées : {changes.updated}, "
        f"supprimées : {changes.deleted})"
    )


def _format_go_live(generated: int | None) -> str:
    if generated is None:
        return "déjà en service"
    return f"strava_activities {generated} activités générées ; le système est en service"
