"""A full load of HR files into a test's database, and queries of its rows."""

import subprocess
import sys
from collections.abc import Sequence
from datetime import date
from functools import partial
from pathlib import Path
from random import Random
from typing import Any

from lakehouse.hr.full_load import full_load
from lakehouse.hr.load_options import LoadOptions
from lakehouse.local import service_addresses
from lakehouse.settings import ROOT, Settings
from lakehouse.simulator.backfill import insert_history
from lakehouse.source.postgres import connect
from support.hr_files import Row, practice, staff, write_company_files

LOAD_DAY = date(2026, 11, 21)  # no effective date of a test lies after it


def load_hr_files(
    database: Settings, folder: Path, hr: Sequence[Row], *sports: Row, history_months: int = 0, **options: Any
) -> list[str]:
    """Load these rows as HR files, without a backfill by default, and return the lines of output."""
    write_company_files(folder, hr, sports or [practice(1, "Running")])
    settings = database.model_copy(update={"output_dir": folder / "output"})
    backfill = partial(insert_history, rng=Random(1), months=history_months)
    load_options = LoadOptions(folder=folder, **{"wait": 0.0, **options})
    return list(full_load(settings, load_options, backfill, today=LOAD_DAY))


def run_script(database: Settings, output: Path, *command: str) -> subprocess.CompletedProcess[str]:
    """Run a command of ours on the database, with its CSV in `output` and its lake beside it."""
    settings = database.model_copy(update={"output_dir": output, "lake_uri": str(output.with_name("lake"))})
    env = service_addresses.environment(settings)
    return subprocess.run([sys.executable, *command], cwd=ROOT, env=env, capture_output=True, text=True, check=False)


def fetch_rows(database: Settings, query: str) -> list[tuple[Any, ...]]:
    with connect(database) as conn:
        return conn.execute(query).fetchall()


def execute(database: Settings, statement: str) -> None:
    with connect(database) as conn:
        conn.execute(statement)


def fetch_all_tables(database: Settings) -> dict[str, list[tuple[Any, ...]]]:
    """Return the rows of all tables, each with its xmin, the transaction that wrote it."""
    with connect(database) as conn:
        tables = [name for (name,) in conn.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")]
        query = "SELECT xmin, * FROM {} ORDER BY 2"
        return {name: conn.execute(query.format(name)).fetchall() for name in tables}


def staff_who_run(count: int) -> tuple[list[Row], list[Row]]:
    """Return `count` employees and a sport row, Running, for each."""
    return staff(count), [practice(number, "Running") for number in range(1, count + 1)]
