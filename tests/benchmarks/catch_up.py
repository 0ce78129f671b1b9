"""How time and memory of a catch-up grow with its batch: a first load, and a batch of changes merged into it.

Beside each stands the limit: reading the same Bronze rows and parsing their JSON, with nothing written.
"""

import argparse
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from time import monotonic

from pyspark import SparkContext
from pyspark.sql import DataFrame, SparkSession

from lakehouse.cdc import tables
from lakehouse.cdc.catalog import Catalog
from lakehouse.cdc.envelope import decode
from lakehouse.cdc.lake import Lake
from lakehouse.cdc.session import session
from lakehouse.cdc.silver import catch_up
from lakehouse.contracts import STRAVA_ACTIVITIES
from lakehouse.java_options import java_options
from lakehouse.local.java import java_home
from lakehouse.settings import ROOT, Settings

PAYLOAD = 1_000  # bytes, as Strava's are
ROW = """
    'activity_id', key_of, 'employee_id', 1, 'name', 'Sortie', 'distance_m', 1000 + id % 5000, 'moving_time_s', 3000,
    'elapsed_time_s', 3600, 'total_elev_gain_m', 10, 'type', 'Run', 'sport_type', 'Run',
    'start_date_utc', '2026-05-01T06:00:00Z', 'start_date_local', 1777615200000000, 'timezone', 'Europe/Paris',
    'utc_offset_s', 7200, 'commute', false, 'manual', false, 'private', false, 'flagged', false, 'calories', 300,
    'raw_payload', payload, 'created_at', '2026-05-01T08:00:00Z'
"""


def messages(spark: SparkSession, start: int, count: int, keys: int) -> DataFrame:
    """Give Bronze's rows: inserts of new keys first, then updates and, for each tenth, deletes of keys there are."""
    rows = spark.range(start, start + count).selectExpr(
        "id",
        f"id % {keys} AS key_of",
        f"CASE WHEN id < {keys} THEN 'c' WHEN id % 10 = 0 THEN 'd' ELSE 'u' END AS op",
        f"repeat(md5(cast(id AS string)), {PAYLOAD // 32}) AS payload",
    )
    return rows.selectExpr(
        "op",
        "to_json(named_struct('activity_id', key_of)) AS key",
        f"to_json(named_struct('op', op, 'after', IF(op = 'd', NULL, named_struct({ROW})))) AS value",
        "id AS commit_seq",
        "id + 1 AS lsn",
        "id AS tx_id",
        "timestamp '2026-06-01 00:00:00' AS committed_at",
        "false AS is_snapshot",
        f"'{STRAVA_ACTIVITIES.topic}' AS topic",
        "0 AS incarnation",
        "0 AS partition",
        "id AS offset",
        "timestamp '2026-06-01 00:00:00' AS kafka_timestamp",
        "timestamp '2026-06-01 00:00:00' AS ingested_at",
    ).select(*tables.BRONZE)


def measure(changes: int, memory: str) -> None:
    """Print the figures of one batch size, in a JVM of its own."""
    settings = Settings(java_home=java_home(ROOT / ".local"))
    own = {"spark.driver.memory": memory, "spark.driver.extraJavaOptions": java_options(settings)}
    with TemporaryDirectory() as root, session(settings, "refresh", own) as spark:
        catalog = Catalog(root)
        catalog.make_bronze(STRAVA_ACTIVITIES, {})
        catalog.make_quarantine()
        catalog.make_silver(STRAVA_ACTIVITIES)
        lake = Lake(spark, catalog)

        def arrive(start: int) -> None:
            lake.append(messages(spark, start, changes, keys=changes), "bronze", STRAVA_ACTIVITIES.table)

        def take() -> None:
            catch_up(lake, STRAVA_ACTIVITIES, catalog.taken_in(STRAVA_ACTIVITIES))

        def parse() -> None:
            read = lake.messages(STRAVA_ACTIVITIES, {}, catalog.taken_in(STRAVA_ACTIVITIES))
            decode(read, STRAVA_ACTIVITIES).write.format("noop").mode("overwrite").save()

        arrive(0)
        limit, first = _seconds(parse), _seconds(take)
        arrive(changes)
        merged = _seconds(take)
        peak = _peak_resident_mib()
    figures = (f"{changes:,}", f"{limit:.1f}", f"{first:.1f}", f"{merged:.1f}", f"{changes / merged:,.0f}", f"{peak:,}")
    print(" ".join(f"{figure:>13}" for figure in figures))


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, epilog="example: python tests/benchmarks/catch_up.py --changes 1000 100000 --memory 2g"
    )
    parser.add_argument("--changes", type=int, nargs="+", default=[1_000, 10_000, 100_000, 1_000_000], metavar="N")
    parser.add_argument("--memory", default="4g", help="the driver's heap (default: 4g)")
    parser.add_argument("--one", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        measure(options.changes[0], options.memory)
        return
    titles = ("changes", "parse only, s", "first load, s", "merge, s", "merged/s", "peak MiB")
    print(" ".join(f"{title:>13}" for title in titles))
    for changes in options.changes:
        again = [sys.executable, str(Path(__file__)), "--one", "--memory", options.memory, "--changes", str(changes)]
        subprocess.run(again, check=True)


def _seconds(work: Callable[[], None]) -> float:
    began = monotonic()
    work()
    return monotonic() - began


def _peak_resident_mib() -> int:
    """Give the most memory that the JVM held at once."""
    gateway = SparkContext._gateway
    assert gateway is not None
    status = Path(f"/proc/{gateway.proc.pid}/status").read_text(encoding="ascii")
    return int(status.split("VmHWM:")[1].split()[0]) // 1024


if __name__ == "__main__":
    main()
