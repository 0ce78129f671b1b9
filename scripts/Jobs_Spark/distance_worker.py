"""Look up the distance from each employee's home to work and store it in distance_cache."""

import argparse

from lakehouse import logs
from lakehouse.arguments import Parser
from lakehouse.distance import worker
from lakehouse.errors import run
from lakehouse.retries import StopSignal
from lakehouse.settings import Settings
from lakehouse.source.roles import as_distance_worker


def main() -> int:
    """Process the pending distance requests, once or until stopped."""
    options = _options()
    settings = as_distance_worker(Settings())
    logs.configure(settings.log_format)
    if options.once:
        counts = worker.run_once(settings)
        print(", ".join(f"{count} {status}" for status, count in sorted(counts.items())) or "no request was due")
        return 0
    worker.serve(settings, StopSignal().on_sigterm())
    return 0


def _options() -> argparse.Namespace:
    parser = Parser(
        description=__doc__,
        epilog="example: python scripts/Jobs_Spark/distance_worker.py --once   (API_KEY_MAPS: Google; none: estimates)",
    )
    parser.add_argument(
        "--once", action="store_true", help="process the requests that are due, then exit; needs no Kafka"
    )
    return parser.parse_args()


if __name__ == "__main__":
    run(main)
