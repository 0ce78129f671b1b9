"""Run a warm JVM for refreshes on this machine, until stopped: they start sooner, with Spark's code compiled."""

from lakehouse import logs
from lakehouse.arguments import Parser
from lakehouse.errors import run
from lakehouse.retries import StopSignal
from lakehouse.settings import Settings
from lakehouse.spark.warm_jvm_server import serve


def main() -> None:
    example = "example: python scripts/Jobs_Spark/warm_session.py   (then run refreshes in another terminal)"
    Parser(description=__doc__, epilog=example).parse_args()
    settings, stop = Settings(), StopSignal().on_sigterm()
    logs.configure(settings.log_format)
    serve(settings, stop, logs.logger("warm").info)


if __name__ == "__main__":
    run(main)
