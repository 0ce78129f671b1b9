"""Send a Slack message for each new activity."""

import argparse

from lakehouse import logs
from lakehouse.arguments import Parser
from lakehouse.errors import run
from lakehouse.retries import StopSignal
from lakehouse.settings import Settings
from lakehouse.slack import notifier
from lakehouse.source.roles import as_notifier

EXAMPLES = """examples:
  python scripts/Jobs_Spark/slack_new_activity_notifier.py --show                 (the outbox, sent or not)
  python scripts/Jobs_Spark/slack_new_activity_notifier.py --retry-dead-letters   (after the cause was mended)"""


def main() -> int:
    """Send messages until stopped, send them once, print the outbox, or make its dead letters pending again."""
    options = _options()
    settings = as_notifier(Settings())
    logs.configure(settings.log_format)
    if options.show:
        notifier.show(settings)
    elif options.retry_dead_letters:
        notifier.retry_dead_letters(settings)
    else:
        notifier.serve(settings, StopSignal().on_sigterm(), once=options.once)
    return 0


def _options() -> argparse.Namespace:
    parser = Parser(description=__doc__, epilog=EXAMPLES, formatter_class=argparse.RawDescriptionHelpFormatter)
    mode = parser.add_mutually_exclusive_group()
    mode.add_argument(
        "--once", action="store_true", help="read the topic to its end, send the messages that are due, then exit"
    )
    mode.add_argument(
        "--show",
        action="store_true",
        help="print status and message of each outbox entry, the oldest first, then the number of each status",
    )
    mode.add_argument(
        "--retry-dead-letters",
        action="store_true",
        help="make the messages that Slack refused pending again, then exit; what no longer holds is not sent",
    )
    return parser.parse_args()


if __name__ == "__main__":
    run(main)
