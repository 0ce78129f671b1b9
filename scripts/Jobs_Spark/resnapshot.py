"""Snapshot every captured table again, after changes were lost with a replication slot, a topic or Kafka's retention.

The next refresh makes Silver equal to Postgres, also where deletes were lost. Slack sends no message a second time.
"""

from rich.console import Console

from lakehouse import logs
from lakehouse.arguments import WAIT_S, Parser
from lakehouse.contracts import CAPTURED
from lakehouse.contracts.company import RUN_REFRESH
from lakehouse.errors import run
from lakehouse.source.commit_ledger import writable_store
from lakehouse.source.resnapshot import resnapshot_lake
from lakehouse.source.roles import loader_settings


def main() -> None:
    parser = Parser(description=__doc__, epilog="example: python scripts/Jobs_Spark/resnapshot.py --wait 3600")
    parser.add_argument(
        "--wait",
        type=WAIT_S,
        default=600,
        metavar="SECONDS",
        help="how long the connector may take over its snapshot (default: 600)",
    )
    options = parser.parse_args()
    settings = loader_settings()
    logs.configure(settings.log_format)
    with writable_store(settings, "resnapshot") as store, Console().status("taking a new snapshot") as status:
        resnapshot_lake(settings, store, CAPTURED, options.wait, status.update)
    print(f"The new snapshot of every table is complete. Now: {RUN_REFRESH}")


if __name__ == "__main__":
    run(main)
