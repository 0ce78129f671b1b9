"""The rate at which Spark reads without writing: -m benchmarks.spark_limits kafka|parse prints rows a second."""

import argparse
import time

from pyspark.sql import DataFrame, SparkSession

from lakehouse.cdc import table_stats
from lakehouse.cdc.lake import Lake
from lakehouse.cdc.merge.envelope import decode
from lakehouse.cdc.merge.silver import DEFAULT_MERGE_THRESHOLDS
from lakehouse.cdc.offsets import Offsets, lag
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
    end = table_stats.bronze_offsets(lake.store, STRAVA_ACTIVITIES)
    return decode(with_merge_settings(lake, end).bronze_between(STRAVA_ACTIVITIES, {}, end), STRAVA_ACTIVITIES)


def with_merge_settings(lake: Lake, end: Offsets) -> Lake:
    """Return the lake with the settings that a merge of everything up to `end` runs with: the bulk ones, if many.

    With those for few changes, which interpret plans, this part was slower than the merge that contains it.
    """
    return lake.with_bulk_settings() if lag({}, end) > DEFAULT_MERGE_THRESHOLDS.bulk else lake


if __name__ == "__main__":
    run(main)
