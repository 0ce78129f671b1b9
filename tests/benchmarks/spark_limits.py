"""What Spark alone can do, nothing written: -m benchmarks.spark_limits kafka|parse prints rows a second."""

import argparse
import time

from pyspark.sql import DataFrame, SparkSession

from lakehouse.cdc.catalog import Catalog
from lakehouse.cdc.envelope import decode
from lakehouse.cdc.lake import Lake
from lakehouse.cdc.session import session
from lakehouse.contracts import STRAVA_ACTIVITIES
from lakehouse.errors import run
from lakehouse.settings import Settings


def main() -> None:
    example = "example: python -m benchmarks.spark_limits parse"
    parser = argparse.ArgumentParser(description=__doc__, epilog=example)
    parser.add_argument("what", choices=["kafka", "parse"])
    what, settings = parser.parse_args().what, Settings()
    catalog = Catalog(settings.lake)
    rows = sum(end + 1 for end in catalog.taken_in(STRAVA_ACTIVITIES).values())
    with session(settings, "stream" if what == "kafka" else "refresh") as spark:
        read = _messages(spark, settings) if what == "kafka" else _parsed(Lake(spark, catalog))
        began = time.monotonic()
        read.write.format("noop").mode("overwrite").save()
        print(rows / (time.monotonic() - began))


def _messages(spark: SparkSession, settings: Settings) -> DataFrame:
    return (
        spark.read.format("kafka")
        .option("kafka.bootstrap.servers", settings.kafka_bootstrap_servers)
        .option("subscribe", STRAVA_ACTIVITIES.topic)
        .load()
    )


def _parsed(lake: Lake) -> DataFrame:
    return decode(lake.messages(STRAVA_ACTIVITIES, {}, lake.catalog.taken_in(STRAVA_ACTIVITIES)), STRAVA_ACTIVITIES)


if __name__ == "__main__":
    run(main)
