"""Append every change of the captured tables from Kafka to Bronze, with one stream per table, until stopped."""

from lakehouse import logs
from lakehouse.arguments import Parser
from lakehouse.capture.streams import run_streams
from lakehouse.errors import run
from lakehouse.retries import StopSignal
from lakehouse.settings import Settings
from lakehouse.source.roles import as_worker


def main() -> None:
    example = "example: python scripts/Jobs_Spark/continuous_master_stream.py"
    Parser(description=__doc__, epilog=example).parse_args()
    settings, stop = as_worker(Settings()), StopSignal().on_sigterm()
    logs.configure(settings.log_format)
    run_streams(settings, stop)


if __name__ == "__main__":
    run(main)
