"""Create Gold's views that the running Thrift server lacks or has in an older form, and print their names."""

from lakehouse import logs
from lakehouse.arguments import WAIT_S, Parser
from lakehouse.errors import run
from lakehouse.healthcheck import make_heartbeat
from lakehouse.retries import StopSignal
from lakehouse.serving.view_setup import apply_views, reconcile_views
from lakehouse.settings import Settings


def main() -> None:
    parser = Parser(description=__doc__, epilog="example: python scripts/Jobs_Spark/init_views.py --wait 120")
    parser.add_argument(
        "--wait",
        type=WAIT_S,
        default=0,
        metavar="SECONDS",
        help="how long to wait for the server and for Gold's tables",
    )
    parser.add_argument(
        "--watch",
        action="store_true",
        help="keep running, and create the views again whenever the server has lost them",
    )
    options = parser.parse_args()
    settings = Settings()
    logs.configure(settings.log_format)
    if options.watch:
        reconcile_views(settings, StopSignal().on_sigterm(), make_heartbeat(settings.heartbeat_file))
        return
    created = apply_views(settings, timeout=options.wait)
    print("\n".join(created) or "every view is up to date")


if __name__ == "__main__":
    run(main)
