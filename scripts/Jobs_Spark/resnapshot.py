"""Snapshot every captured table again, after changes were lost with a replication slot, a topic or Kafka's retention.

The next refresh makes Silver equal to Postgres, also where deletes were lost. Slack sends no message a second time.
"""

import argparse
from functools import partial

from rich.console import Console

from lakehouse import logs
from lakehouse.cdc.source_identity import acknowledge_data_loss, create_bronze_tables, ensure_resnapshot_is_ordered
from lakehouse.cdc.table_store import TableStore
from lakehouse.contracts import CAPTURED
from lakehouse.errors import run
from lakehouse.http_session import internal_session
from lakehouse.settings import Settings
from lakehouse.source.connect_client import ConnectClient
from lakehouse.source.postgres import connect, current_wal_lsn
from lakehouse.source.resnapshot import resnapshot
from lakehouse.source.source_check import read_source_identity


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
    store = TableStore(settings.lake)
    source = read_source_identity(settings, CAPTURED)
    create_bronze_tables(store, source, *CAPTURED)
    with (
        connect(settings, autocommit=True) as conn,
        internal_session(timeout=60) as session,
        Console().status("taking a new snapshot") as status,
    ):
        for contract in CAPTURED:
            ensure_resnapshot_is_ordered(store, source, partial(current_wal_lsn, conn), contract)
        resnapshot(
            conn,
            ConnectClient(session, settings.connect_url),
            [f"{contract.schema}.{contract.table}" for contract in CAPTURED],
            options.wait,
            status.update,
        )
        for contract in CAPTURED:
            acknowledge_data_loss(store, source, contract, partial(current_wal_lsn, conn))
    print("The new snapshot of every table is complete. Now: python scripts/Jobs_Spark/batch_refresh_silver_gold.py")


if __name__ == "__main__":
    run(main)
