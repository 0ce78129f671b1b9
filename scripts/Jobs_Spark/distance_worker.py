"""Find the distance from each employee's home to work, and keep it in distance_cache."""

import argparse

from lakehouse import logs
from lakehouse.distance import worker
from lakehouse.errors import run
from lakehouse.retries import StopSignal
from lakehouse.settings import Settings
from lakehouse.source.roles import as_worker


def main() -> int:
    """Answer what is open, once or for good."""
    options = _options()
    settings = as_worker(Settings())
    logs.configure(settings.log_format)
    if options.once:
        counts = worker.run_once(settings)
        print(", ".join(f"{count} {status}" for status, count in sorted(counts.items())) or "nothing was due")
        return 0
    worker.serve(settings, StopSignal().on_sigterm())
    return 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__,
        epilog="example: python scripts/Jobs_Spark/distance_worker.py --once   (API_KEY_MAPS: Google; none: estimates)",
    )
    parser.add_argument("--once", action="store_true", help="answer what is open and due, then leave; needs no Kafka")
    return parser.parse_args()


if __name__ == "__main__":
    run(main)
