"""Compare Silver with Postgres by row counts and checksums, and name differing keys. Exit code 1 on a difference."""

from rich.console import Console

from lakehouse import logs
from lakehouse.arguments import WAIT_S, Parser, WholeNumber
from lakehouse.cdc.lake import Lake
from lakehouse.contracts import CAPTURED
from lakehouse.errors import LakehouseError, run
from lakehouse.reconcile.reconcile import reconcile
from lakehouse.reconcile.reconcile_report import print_report, verdict
from lakehouse.refresh.suspect_runs import describe_suspect_runs
from lakehouse.refresh.table_setup import refreshed_tables
from lakehouse.source.commit_ledger import writable_store
from lakehouse.source.refresh_lock import exclusive_refresh
from lakehouse.source.roles import loader_settings
from lakehouse.spark.session import session

MAX_SHOWN_KEYS = 1_000_000


def main() -> None:
    parser = Parser(
        description=__doc__, epilog="example: python scripts/Jobs_Spark/reconcile.py --table rh_employees --show 20"
    )
    tables = [contract.table for contract in CAPTURED]
    parser.add_argument("--table", action="append", choices=tables, help="compare this table only; can be repeated")
    parser.add_argument(
        "--wait",
        type=WAIT_S,
        default=60,
        metavar="SECONDS",
        help="how long to wait until Bronze has all that Postgres committed (default: 60)",
    )
    keys = WholeNumber(0, MAX_SHOWN_KEYS)
    parser.add_argument("--show", type=keys, default=10, metavar="N", help="differing keys to name a table (10)")
    since_help = "also name the runs of gold.runs whose figures were computed from the differing rows"
    parser.add_argument("--since", action="store_true", help=since_help)
    options = parser.parse_args()
    settings = loader_settings()
    logs.configure(settings.log_format)
    contracts = [contract for contract in CAPTURED if contract.table in (options.table or tables)]
    with (
        writable_store(settings, "reconcile") as store,
        exclusive_refresh(settings, store, contracts, refreshed_tables(), options.wait) as lock,
        Console().status("comparing"),
        session(settings, "refresh") as spark,
    ):
        lake = Lake(spark, store, lock.ensure_held, lock.stamps)
        results = reconcile(settings, lake, contracts, timeout=options.wait, max_differences=options.show)
        suspect_lines = describe_suspect_runs(lake, contracts, results) if options.since else []
    print_report(results, suspect_lines)
    if problem := verdict(results):
        raise LakehouseError(problem)
    print("All tables are equal in every column, at one snapshot.")


if __name__ == "__main__":
    run(main)
