"""What a lease costs in each append: -m benchmarks.commit_cost --root /tmp/scratch prints three medians in ms.

The first append is noted in Postgres and fenced. The second has Delta's transaction identifier, the third neither.
"""

import argparse
import json
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import replace
from statistics import median

from pyspark.sql import DataFrame

from lakehouse.cdc.commit_intents import CommitLedger
from lakehouse.cdc.fence import LeasedStamps, WriterLease, fence_table
from lakehouse.cdc.lake import Lake
from lakehouse.cdc.table_store import BRONZE_PROPERTIES, TableStore
from lakehouse.errors import run
from lakehouse.settings import Settings
from lakehouse.source.commit_ledger import PostgresLedger
from lakehouse.spark.session import session

ROW_COLUMNS = {"id": "bigint", "note": "string"}
ROWS_PER_APPEND = 100
WARM_UP_APPENDS = 20


def main() -> None:
    example = "example: python -m benchmarks.commit_cost --root /tmp/scratch"
    parser = argparse.ArgumentParser(description=__doc__, epilog=example)
    parser.add_argument("--root", required=True, metavar="DIR")
    parser.add_argument("--appends", type=int, default=200, help="measured appends of each kind (default: 200)")
    options = parser.parse_args()
    settings = Settings()
    with closing(PostgresLedger(settings, "benchmark")) as ledger, session(settings, "stream") as spark:
        lake = Lake(spark, TableStore(options.root))
        rows = spark.range(ROWS_PER_APPEND).selectExpr("id", "'a row' AS note").coalesce(1)
        print(json.dumps([median(times) * 1000 for times in _measure(lake, ledger, rows, options.appends)]))


def _measure(lake: Lake, ledger: CommitLedger, rows: DataFrame, count: int) -> Sequence[Sequence[float]]:
    """Return the seconds of each append, by kind. The kinds take turns, each in a table of its own."""
    for name in ("fenced", "identified", "bare"):
        lake.store.create("bronze", name, ROW_COLUMNS, properties=BRONZE_PROPERTIES)
    lease = WriterLease("stream", 1)
    fence_table(lake.store, "bronze", "fenced", lease)
    noted_store = replace(lake.store, ledger=ledger)
    leased_lake = replace(lake, store=noted_store, stamps=LeasedStamps(lake.store, lease))
    kinds: Sequence[Callable[[int], object]] = (
        lambda _: leased_lake.append(rows, "bronze", "fenced"),
        lambda number: lake.append(rows, "bronze", "identified", txnAppId="benchmark", txnVersion=str(number)),
        lambda _: lake.append(rows, "bronze", "bare"),
    )
    times: list[list[float]] = [[] for _ in kinds]
    for number in range(WARM_UP_APPENDS + count):
        for append, measured in zip(kinds, times, strict=True):
            started_at = time.monotonic()
            append(number)
            measured.append(time.monotonic() - started_at)
    return [measured[WARM_UP_APPENDS:] for measured in times]


if __name__ == "__main__":
    run(main)
