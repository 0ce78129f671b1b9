"""The rate at which Spark reads without writing: -m benchmarks.spark_limits kafka|parse prints rows a second."""

import argparse
import time

from pyspark.sql import DataFrame, SparkSession

from lakehouse.cdc import table_stats
from lakehouse.cdc.lake import Lake
from lakehouse.cdc.merge.envelope import decode
from lakehouse.cdc.table_store import TableStore
from lakehouse.contracts import STRAVA_ACTIVITIES
from lakehouse.errors import run
from lakehouse.kafka_login import spark_options
from lakehouse.settings import Settings
from lakehouse.spark.session import session


def main() -> None:
    example = "example: python -m benchmarks.spark_limits parse"
    parser = argparse.ArgumentParser(description=__doc__, epilog=example)
    parser.add_argument("source", choices=["kafka", "parse"])
    source, settings = parser.parse_args().source, Settings()
    store = TableStore(settings.lake)
    rows = sum(end + 1 for end in table_stats.bronze_offsets(store, STRAVA_ACTIVITIES).values())
    with session(settings, "stream" if source == "kafka" else "refresh") as spark:
        frame = _read_topic(spark, settings) if source == "kafka" else _parse_bronze(Lake(spark, store))
        started_at = time.monotonic()
        frame.write.format("noop").mode("overwrite").save()
        print(rows / (time.monotonic() - started_at))


def _read_topic(spark: SparkSession, settings: Settings) -> DataFrame:
    return (
        spark.read.format("kafka")
        .options(**spark_options(settings))
        .option("subscribe", STRAVA_ACTIVITIES.topic)
        .load()
    )


def _parse_bronze(lake: Lake) -> DataFrame:
    return decode(
        lake.bronze_between(STRAVA_ACTIVITIES, {}, table_stats.bronze_offsets(lake.store, STRAVA_ACTIVITIES)),
        STRAVA_ACTIVITIES,
    )


if __name__ == "__main__":
    run(main)
