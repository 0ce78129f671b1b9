"""Tables, HR's files into Postgres, a year of activities the first time, and then: live."""

import argparse
from datetime import date
from pathlib import Path

from lakehouse import errors, logs
from lakehouse.cdc.catalog import Catalog
from lakehouse.hr.full_load import LoadOptions, full_load
from lakehouse.refresh.table_setup import create_tables
from lakehouse.settings import Settings

EXAMPLE = "example: python scripts/ETL_Full_Load/pipeline.py --effective-from 2026-09-01"


def main() -> None:
    """Load, and print what was done in numbers."""
    settings = Settings()
    logs.configure(settings.log_format)
    arguments = _parser(settings).parse_args()
    create_tables(Catalog(settings.lake))
    for line in full_load(settings, LoadOptions(**vars(arguments))):
        print(line, flush=True)


def _parser(settings: Settings) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__, epilog=EXAMPLE)
    parser.add_argument(
        "--input", dest="folder", type=Path, default=settings.input_dir, metavar="DIR", help="HR's files (%(default)s)"
    )
    parser.add_argument(
        "--effective-from",
        type=date.fromisoformat,
        metavar="DATE",
        help="the day from which changed HR rows hold, as a whole",
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
        "--first", action="store_true", help="load only into a system that is not live yet; else leave it as it is"
    )
    parser.add_argument("--seed", type=int, help="generate the same history again")
    parser.add_argument(
        "--wait", type=float, default=60, metavar="SECONDS", help="how long to wait for Postgres (%(default)s)"
    )
    return parser


if __name__ == "__main__":
    errors.run(main)
