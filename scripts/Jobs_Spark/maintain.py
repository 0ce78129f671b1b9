"""Keep the lake quick and small: put small files together, remove those that nobody reads. Safe at any time."""

import argparse
from contextlib import closing
from datetime import timedelta
from functools import partial

from rich.console import Console

from lakehouse import logs
from lakehouse.cdc.catalog import Catalog
from lakehouse.cdc.upkeep import APPENDED_TO, MERGED_INTO
from lakehouse.contracts import CAPTURED
from lakehouse.errors import run
from lakehouse.gold.upkeep import APPENDED, REWRITTEN, keep_each, show
from lakehouse.settings import Settings
from lakehouse.source.lease import Lease
from lakehouse.source.turn import turn


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, epilog="example: python scripts/Jobs_Spark/maintain.py --days 30"
    )
    parser.add_argument("--days", type=_days, default=7, help="how long a reader may go on with old files (default: 7)")
    parser.add_argument(
        "--wait", type=float, default=60, metavar="SECONDS", help="how long to wait for a running refresh (default: 60)"
    )
    options = parser.parse_args()
    settings = Settings()
    logs.configure(settings.log_format)
    catalog, retention = Catalog(settings.lake), timedelta(days=options.days)
    with closing(Lease(settings, "maintenance")) as held, Console().status("putting files together"):
        alone = partial(held.check, held.hold())
        done = [*keep_each(catalog, APPENDED, retention, APPENDED_TO, alone)]
        with turn(settings, catalog, CAPTURED, options.wait) as still_mine:
            done += keep_each(catalog, REWRITTEN, retention, MERGED_INTO, still_mine)
    return show(done)


def _days(text: str) -> int:
    if (days := int(text)) < 1:
        raise argparse.ArgumentTypeError("at least a day: a refresh or a report may still read what it began with")
    return days


if __name__ == "__main__":
    run(main)
