"""Create the Kafka topics, register the Debezium connector, and keep it running."""

import argparse

from lakehouse import logs
from lakehouse.arguments import Parser
from lakehouse.errors import run
from lakehouse.retries import StopSignal
from lakehouse.source import connector_controller
from lakehouse.source.roles import controller_settings


def main() -> int:
    """Run the controller of the connector."""
    options = _options()
    settings = controller_settings()
    logs.configure(settings.log_format)
    connector_controller.run(settings, StopSignal().on_sigterm(), once=options.once)
    return 0


def _options() -> argparse.Namespace:
    parser = Parser(
        description=__doc__,
        epilog="example: python scripts/Jobs_Spark/register_connector.py --once",
    )
    parser.add_argument("--once", action="store_true", help="exit as soon as the connector runs")
    return parser.parse_args()


if __name__ == "__main__":
    run(main)
