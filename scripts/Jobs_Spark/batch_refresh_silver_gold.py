"""Refresh Silver and Gold: take in what is new, and compute every figure of the day."""

import argparse

from rich.console import Console

from lakehouse import logs
from lakehouse.cdc.catalog import Catalog
from lakehouse.cdc.lake import Lake
from lakehouse.cdc.session import session
from lakehouse.contracts import CAPTURED
from lakehouse.errors import run
from lakehouse.gold.refresh import make_tables, refresh, today
from lakehouse.gold.report import show
from lakehouse.settings import Settings
from lakehouse.source import cut
from lakehouse.source.turn import turn


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, epilog="example: python scripts/Jobs_Spark/batch_refresh_silver_gold.py --wait 120"
    )
    parser.add_argument(
        "--wait",
        type=float,
        default=60,
        metavar="SECONDS",
        help="how long to wait for what Postgres has committed to be in Bronze; 0: take what is there (default: 60)",
    )
    parser.add_argument(
        "--rebuild",
        action="store_true",
        help="empty Silver and read all of Bronze again (after a contract's rule changed)",
    )
    parser.add_argument(
        "--full", action="store_true", help="compute every figure from all of Silver; the rows are the same"
    )
    options = parser.parse_args()
    settings = Settings()
    logs.configure(settings.log_format)
    catalog = Catalog(settings.lake)
    with turn(settings, catalog, CAPTURED, options.wait) as still_mine:
        make_tables(catalog)
        fixed = (
            cut.of_everything(settings, catalog, CAPTURED, options.wait)
            if options.wait
            else cut.current(catalog, CAPTURED)
        )
        with Console().status("refreshing"), session(settings, "refresh", keep_classes=True) as spark:
            done = refresh(Lake(spark, catalog, still_mine), fixed, today(), rebuild=options.rebuild, full=options.full)
    show(done)


if __name__ == "__main__":
    run(main)
