"""A Spark process whose commits can be held open: python -m spark.pausing_writer STORE FOLDER, one command a line.

A command is JSON: an operation of OPERATIONS and the path of its table. The answer is JSON as well: `refused` says
how often Delta refused the commit because of another one, after each of which it was tried again.
"""

import json
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

from delta.tables import DeltaTable
from pyspark.errors import PySparkException
from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F

from lakehouse.local.java import java_home
from lakehouse.settings import ROOT, Settings
from lakehouse.spark.session import EXTRA_JAVA_OPTIONS, conf

MAX_ATTEMPTS = 5


def rows(spark: SparkSession, first: int, last: int, note: str) -> DataFrame:
    """Return a row for each id from `first` to `last`."""
    return spark.range(first, last + 1).select(F.col("id").cast("int"), F.lit(note).alias("note")).coalesce(1)


def append(spark: SparkSession, path: str) -> None:
    rows(spark, 100, 104, "appended").write.format("delta").mode("append").save(path)


def overwrite(spark: SparkSession, path: str) -> None:
    rows(spark, 300, 301, "overwritten").write.format("delta").mode("overwrite").save(path)


def replace_where(spark: SparkSession, path: str) -> None:
    writer = rows(spark, 8, 9, "replaced").write.format("delta").mode("overwrite")
    writer.option("replaceWhere", "id IN (8, 9)").save(path)


def merge(spark: SparkSession, path: str) -> None:
    source = rows(spark, 1, 1, "merged").unionByName(rows(spark, 200, 200, "merged"))
    merging = DeltaTable.forPath(spark, path).alias("t").merge(source.alias("s"), "t.id = s.id")
    values: dict[str, str | Column] = {"id": "s.id", "note": "s.note"}
    merging.whenMatchedUpdate(set=values).whenNotMatchedInsert(values=values).execute()


def delete(spark: SparkSession, path: str) -> None:
    DeltaTable.forPath(spark, path).delete("id = 3")


def create(spark: SparkSession, path: str) -> None:
    rows(spark, 0, -1, "none").write.format("delta").mode("append").save(path)


OPERATIONS: Mapping[str, Callable[[SparkSession, str], None]] = {
    one.__name__: one for one in (append, overwrite, replace_where, merge, delete, create)
}


def run_operation(spark: SparkSession, name: str, path: str) -> int:
    """Run an operation until Delta takes it, and return how often it was refused."""
    for conflicts in range(MAX_ATTEMPTS):
        if _try_commit(OPERATIONS[name], spark, path):
            return conflicts
    raise RuntimeError(f"{name} was refused {MAX_ATTEMPTS} times")


def _try_commit(operation: Callable[[SparkSession, str], None], spark: SparkSession, path: str) -> bool:
    """Run an operation, and return whether Delta took it or refused it because of another."""
    try:
        operation(spark, path)
    except PySparkException as error:
        if "concurrent" not in str(error).lower():
            raise
        return False
    return True


def main() -> None:
    store, classes = sys.argv[1:]
    settings = Settings(java_home=java_home(ROOT / ".local"))
    spark_options = conf(settings, "refresh")
    spark_options["spark.driver.extraClassPath"] += f":{classes}"
    # A folder on the class path does not fit the cache of classes, which Java would say where the answers go.
    spark_options[EXTRA_JAVA_OPTIONS] = " ".join(
        word for word in spark_options[EXTRA_JAVA_OPTIONS].split() if "AOT" not in word
    )
    spark_options["spark.delta.logStore.file.impl"] = "lakehouse.testing.HeldLogStore"
    spark_options["spark.hadoop.lakehouse.testing.store"] = store
    builder = SparkSession.builder
    for name, value in spark_options.items():
        builder = builder.config(name, value)
    spark = builder.getOrCreate()
    print(json.dumps({"ready": True}), flush=True)
    for line in sys.stdin:
        command = json.loads(line)
        Path(command["path"]).mkdir(parents=True, exist_ok=True)
        try:
            response: dict[str, object] = {"refused": run_operation(spark, command["operation"], command["path"])}
        except Exception as error:  # noqa: BLE001 - whatever it is, the test tells it
            response = {"error": str(error).splitlines()[0]}
        print(json.dumps(response), flush=True)
    spark.stop()


if __name__ == "__main__":
    main()
