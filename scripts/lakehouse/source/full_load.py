"""The full load, step by step."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from random import Random

import psycopg

from lakehouse.clock import today
from lakehouse.errors import BadInput, LakehouseError
from lakehouse.settings import Settings
from lakehouse.source.cleaned_csv import cleaned_csv
from lakehouse.source.first_load import go_live
from lakehouse.source.hr.company import Company, read_company
from lakehouse.source.load import Changes, Loaded, load
from lakehouse.source.postgres import apply_ddl, connect
from lakehouse.source.recorded import live_since
from lakehouse.source.rules_seed import seed_rules


@dataclass(frozen=True)
class Order:
    """What pipeline.py was asked for; its options explain each."""

    folder: Path
    effective_from: date | None = None
    allow_mass_delete: bool = False
    history_months: int = 12
    seed: int | None = None
    wait: float = 60.0  # seconds
    first: bool = False  # nothing is loaded into a system that is live


def full_load(settings: Settings, order: Order) -> Iterator[str]:
    """Do it all, files first, and give what was done line by line: numbers, never a person."""
    if order.first and _is_live(settings, order.wait):
        yield "live already: nothing was loaded. For new files: python scripts/ETL_Full_Load/pipeline.py"
        return
    _refuse_a_day_to_come(order.effective_from)
    company = read_company(order.folder)
    yield from company.remarks
    with connect(settings, autocommit=True, wait=order.wait) as conn:
        apply_ddl(conn, settings)
        loaded, seeded = _loaded(conn, company, settings, order)
        yield _line("rh_employees", len(company.employees), loaded.employees)
        yield _line("sport_activities", len(company.practices), loaded.practices)
        yield f"reward_rules      {'the first rules' if seeded else 'kept'}"
        generated = go_live(conn, Random(order.seed), order.history_months)
        yield "live already" if generated is None else f"strava_activities {generated} generated; live from now on"


def _refuse_a_day_to_come(day: date | None) -> None:
    """Raise BadInput for changes of a day to come: the figures of today would have them at once."""
    if day and day > (now := today()):
        raise BadInput(
            f"--effective-from {day} : ce jour est à venir, nous sommes le {now}. Rien n'est chargé : les chiffres "
            "changeraient dès aujourd'hui. Chargez ce fichier ce jour-là, ou après."
        )


def _is_live(settings: Settings, wait: float) -> bool:
    with connect(settings, autocommit=True, wait=wait) as conn:
        apply_ddl(conn, settings)  # what is new since reaches an old volume all the same
        return live_since(conn) is not None


def _loaded(conn: psycopg.Connection, company: Company, settings: Settings, order: Order) -> tuple[Loaded, bool]:
    """Put the company and, into an empty table, the rules into Postgres in one transaction."""
    try:
        with cleaned_csv(company, settings.output_dir), conn.transaction():
            loaded = load(conn, company, effective_from=order.effective_from, allow_mass_delete=order.allow_mass_delete)
            return loaded, seed_rules(conn, settings)
    except psycopg.Error as error:
        # Its own text may quote the row.
        raise LakehouseError(
            f"Postgres refused the load ({type(error).__name__}, table {error.diag.table_name}, "
            f"constraint {error.diag.constraint_name}). Nothing was changed; look into Postgres's log."
        ) from None


def _line(table: str, rows: int, changes: Changes) -> str:
    return f"{table:<17} {rows} rows: {changes.inserted} new, {changes.updated} changed, {changes.deleted} deleted"
