"""Read every captured table anew, where changes were lost on their way: slot, topic or Kafka's retention.

The next refresh brings Silver to what Postgres holds; rows whose deletes were lost go too, and nobody is told twice.
"""

import argparse
from functools import partial

import httpx
from rich.console import Console

from lakehouse import logs
from lakehouse.cdc.catalog import Catalog
from lakehouse.cdc.source import accept, check_order, make_bronze
from lakehouse.contracts import CAPTURED
from lakehouse.errors import run
from lakehouse.settings import Settings
from lakehouse.source.connector import Connect
from lakehouse.source.identity import identify
from lakehouse.source.postgres import connect, wal_end
from lakehouse.source.read_anew import read_anew


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, epilog="example: python scripts/Jobs_Spark/resnapshot.py --wait 3600"
    )
    parser.add_argument(
        "--wait",
        type=float,
        default=600,
        metavar="SECONDS",
        help="how long the connector may take over its snapshot (default: 600)",
    )
    options = parser.parse_args()
    settings = Settings()
    logs.configure(settings.log_format)
    catalog = Catalog(settings.lake)
    source = identify(settings, CAPTURED)
    make_bronze(catalog, source, *CAPTURED)
    with (
        connect(settings, autocommit=True) as conn,
        httpx.Client(base_url=settings.connect_url, timeout=60) as client,
        Console().status("reading anew") as status,
    ):
        for contract in CAPTURED:
            check_order(catalog, source, partial(wal_end, conn), contract)
        read_anew(conn, Connect(client), [f"{one.schema}.{one.table}" for one in CAPTURED], options.wait, status.update)
        for contract in CAPTURED:
            accept(catalog, source, contract, partial(wal_end, conn))
    print("Every table was read anew. Now: python scripts/Jobs_Spark/batch_refresh_silver_gold.py")


if __name__ == "__main__":
    run(main)
