"""Compact the small files of the lake's tables, delete unused files, and count offsets. Safe to run at any time."""

from contextlib import closing
from datetime import timedelta
from functools import partial

from rich.console import Console

from lakehouse import logs
from lakehouse.arguments import WAIT_S, Parser, WholeNumber
from lakehouse.cdc.maintenance import APPEND_TARGET_BYTES, MERGE_TARGET_BYTES
from lakehouse.contracts import CAPTURED
from lakehouse.errors import run
from lakehouse.refresh.maintain_tables import APPEND_ONLY_TABLES, REWRITTEN_TABLES, maintain_tables, show
from lakehouse.refresh.offset_findings import offset_errors
from lakehouse.refresh.table_setup import refreshed_tables
from lakehouse.source.commit_ledger import writable_store
from lakehouse.source.lease import Lease
from lakehouse.source.refresh_lock import exclusive_refresh
from lakehouse.source.roles import loader_settings

MAX_DAYS = 3_650


def main() -> int:
    parser = Parser(description=__doc__, epilog="example: python scripts/Jobs_Spark/maintain.py --days 30")
    parser.add_argument(
        "--days",
        type=WholeNumber(1, MAX_DAYS),
        default=7,
        help="at least so many days a reader can use old files (default: 7)",
    )
    parser.add_argument(
        "--wait",
        type=WAIT_S,
        default=60,
        metavar="SECONDS",
        help="how long to wait for a running refresh (default: 60)",
    )
    options = parser.parse_args()
    settings = loader_settings()
    logs.configure(settings.log_format)
    retention = timedelta(days=options.days)
    with (
        closing(Lease(settings, "maintenance")) as lease,
        writable_store(settings, "maintenance") as store,
        Console().status("compacting files"),
    ):
        check_lease = partial(lease.ensure_held, lease.acquire())
        results = [*maintain_tables(store, APPEND_ONLY_TABLES, retention, APPEND_TARGET_BYTES, check_lease)]
        with exclusive_refresh(settings, store, CAPTURED, refreshed_tables(), options.wait) as lock:
            results += maintain_tables(store, REWRITTEN_TABLES, retention, MERGE_TARGET_BYTES, lock.ensure_held)
        results += offset_errors(store)
    return show(results)


if __name__ == "__main__":
    run(main)
