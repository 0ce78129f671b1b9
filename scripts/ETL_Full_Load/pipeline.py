"""Create the tables and load HR's files into Postgres. The first load also generates past activities and goes live."""

import argparse
from datetime import date
from functools import partial
from pathlib import Path
from random import Random

from lakehouse import errors, logs
from lakehouse.cdc.table_store import TableStore
from lakehouse.clock import today
from lakehouse.hr.full_load import LoadOptions, full_load
from lakehouse.refresh.table_setup import create_tables
from lakehouse.settings import Settings
from lakehouse.simulator.backfill import insert_history

PIPELINE_EXAMPLE = "example: python scripts/ETL_Full_Load/pipeline.py --effective-from 2026-09-01"


def main() -> None:
    """Run the load and print row counts, without personal data."""
    settings = Settings()
    logs.configure(settings.log_format)
    arguments = _parser(settings).parse_args()
    create_tables(TableStore(settings.lake))
    months, rng = arguments.history_months, Random(arguments.seed)
    del arguments.history_months, arguments.seed
    backfill = partial(insert_history, rng=rng, months=months)
    for line in full_load(settings, LoadOptions(**vars(arguments)), backfill, today=today()):
        print(line, flush=True)


def _parser(settings: Settings) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__, epilog=PIPELINE_EXAMPLE)
    parser.add_argument(
        "--input", dest="folder", type=Path, default=settings.input_dir, metavar="DIR", help="HR's files (%(default)s)"
    )
    parser.add_argument(
        "--effective-from",
        type=date.fromisoformat,
        metavar="DATE",
        help="the day from which all changed HR rows are valid",
    )
    parser.add_argument(
        "--allow-mass-delete", action="store_true", help="let more than 20%% of the employees leave at once"
    )
    parser.add_argument(
        "--history-months",
        type=int,
        default=12,
        metavar="N",
        help="months of activities to generate at the first load (%(default)s; 0 for none)",
    )
    parser.add_argument(
        "--if-not-live", action="store_true", help="load only into a system that is not live yet, else change nothing"
    )
    parser.add_argument("--seed", type=int, help="generate the same history again")
    parser.add_argument(
        "--wait", type=float, default=60, metavar="SECONDS", help="how long to wait for Postgres (%(default)s)"
    )
    return parser


if __name__ == "__main__":
    errors.run(main)
