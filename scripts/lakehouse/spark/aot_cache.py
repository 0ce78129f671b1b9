"""Java's ahead-of-time cache (JEP 483, 514) of Spark's classes, as a training run loads and links them."""

import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from delta.tables import DeltaTable
from pyspark import SparkContext
from pyspark.sql import SparkSession, Window
from pyspark.sql import functions as F

from lakehouse.errors import run
from lakehouse.settings import Settings
from lakehouse.spark.jvm_options import aot_cache_path, jvm_options, quote
from lakehouse.spark.session import EXTRA_JAVA_OPTIONS, session

LOCK_NAME, WORK_PREFIX = "aot.lock", "aot-cache-"
# Without the log options, Java logs a line for each class that it does not cache.
AOT_CACHE_LOG_FLAGS = "-Xlog:disable -Xlog:all=error:stderr"


def build_aot_cache(settings: Settings) -> None:
    """Build the cache in the folder of the jars, 220 MB, and delete the caches of other versions.

    Does nothing where the cache exists, or the folder is not writable. A Java before 25 writes none, and runs without.
    One process builds at a time; a second one waits, and finds the cache.
    """
    cache_path = aot_cache_path(settings)
    if cache_path.exists() or not os.access(cache_path.parent, os.W_OK):
        return
    with one_builder(cache_path.parent):
        if not cache_path.exists():
            _build(settings, cache_path)


@contextmanager
def one_builder(folder: Path) -> Iterator[None]:
    """Hold the folder's lock for the block, and delete what a builder that was killed left."""
    with (folder / LOCK_NAME).open("a", encoding="ascii") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        for leftover in folder.glob(f"{WORK_PREFIX}*"):
            shutil.rmtree(leftover, ignore_errors=True)
        yield


def publish(new_cache: Path, cache_path: Path) -> None:
    """Rename the finished cache to its place, whole from the first moment, and delete those of other versions."""
    new_cache.replace(cache_path)
    for other in cache_path.parent.glob("spark-*.aot"):
        if other != cache_path:
            other.unlink(missing_ok=True)


def _build(settings: Settings, cache_path: Path) -> None:
    with TemporaryDirectory(prefix=WORK_PREFIX, dir=cache_path.parent) as folder:
        new_cache = Path(folder) / cache_path.name
        options = f"{jvm_options(settings)} {AOT_CACHE_LOG_FLAGS} {quote(f'-XX:AOTCacheOutput={new_cache}')}"
        with session(settings, "refresh", {EXTRA_JAVA_OPTIONS: options}) as spark:
            jvm = SparkContext._gateway.proc  # type: ignore[union-attr]  # noqa: SLF001 - PySpark has no public name for it
            _run_training_workload(spark, folder)
        # The JVM writes the cache at exit; py4j is gone by then, so close stdin and wait.
        jvm.stdin.close()
        # Jars that were installed meanwhile are not those of this cache.
        if jvm.wait() == 0 and new_cache.exists() and aot_cache_path(settings) == cache_path:
            publish(new_cache, cache_path)


def _run_training_workload(spark: SparkSession, folder: str) -> None:
    """Run a little of what streams, refreshes and queries run: JSON, windows, joins, sums, a merge, a stream."""
    table, copy = f"{folder}/table", f"{folder}/copy"
    rows = spark.range(100).selectExpr(
        "id",
        "CAST(id / 7 AS DECIMAL(12, 2)) AS amount",
        "current_timestamp() AS at",
        "CAST(id % 7 AS STRING) AS name",
        "to_json(named_struct('a', id, 'b', id * 2)) AS value",
    )
    rows.write.format("delta").partitionBy("name").save(table)
    written = spark.read.format("delta").load(table)
    last = Window.partitionBy("name").orderBy(F.desc("at"), "id")
    sums = written.groupBy("name").agg(F.sum("amount").alias("total"), F.collect_set("id").alias("ids"))
    changes = (
        written.withColumn("read", F.from_json("value", "a BIGINT, b STRING"))
        .withColumn("place", F.row_number().over(last))
        .where("place <= 3 AND get_json_object(value, '$.a') IS NOT NULL")
        .join(sums, "name", "left")
        .selectExpr(
            "read.a + 98 AS id", "CAST(total AS DECIMAL(12, 2)) AS amount", "at", "name", "to_json(ids) AS value"
        )
    )
    merge = DeltaTable.forPath(spark, table).alias("old").merge(changes.alias("new"), "old.id = new.id")
    merge.whenMatchedUpdateAll().whenNotMatchedInsertAll().execute()
    written.orderBy("id").collect()
    (
        spark.readStream.format("delta").option("ignoreChanges", "true").load(table).writeStream
        .trigger(availableNow=True)
        .option("checkpointLocation", f"{folder}/checkpoint")
        .foreachBatch(lambda batch, _: batch.write.format("delta").mode("append").save(copy))
        .start()
        .awaitTermination()
    )  # fmt: skip


if __name__ == "__main__":
    run(lambda: build_aot_cache(Settings()))
