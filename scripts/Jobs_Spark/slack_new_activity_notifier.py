"""Send a Slack message for each new activity."""

import argparse

from lakehouse import logs
from lakehouse.errors import run
from lakehouse.retries import StopSignal
from lakehouse.settings import Settings
from lakehouse.slack import notifier
from lakehouse.source.roles import as_worker


def main() -> int:
    """Send messages until stopped, send them once, or print the outbox."""
    options = _options()
    settings = as_worker(Settings())
    logs.configure(settings.log_format)
    if options.show:
        notifier.show(settings)
    else:
        notifier.serve(settings, StopSignal().on_sigterm(), once=options.once)
    return 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__,
        epilog="example: python scripts/Jobs_Spark/slack_new_activity_notifier.py --show   (the outbox, sent or not)",
    )
    mode = parser.add_mutually_exclusive_group()
    mode.add_argument(
        "--once", action="store_true", help="read the topic to its end, send the messages that are due, then exit"
    )
    mode.add_argument(
        "--show", action="store_true", help="print status and message of each outbox entry, the oldest first"
    )
    return parser.parse_args()


if __name__ == "__main__":
    run(main)
