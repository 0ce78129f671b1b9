"""A Spark process whose commits can be paused: python -m spark.pausing_writer STORE FOLDER.

STORE is the log store's class, FOLDER has the compiled classes of tests/java. Each line of stdin is a command as JSON:
a name of SPARK_OPERATIONS, the path of its table and the stamp of its commit. Each line of stdout is the response, as
JSON too. Its `refused` is the number of conflicts with other commits, after each of which the operation was tried
again.
"""

import json
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

from delta.tables import DeltaTable
from pyspark.errors import PySparkException
from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F

from lakehouse.cdc.lake import USER_METADATA_CONF
from lakehouse.local.java import java_home
from lakehouse.settings import ROOT, Settings
from lakehouse.spark.literals import lit
from lakehouse.spark.session import EXTRA_JAVA_OPTIONS, conf

MAX_ATTEMPTS = 5
MAX_ERROR_LENGTH = 4_000  # py4j's first line does not say what Java's error says


def rows(spark: SparkSession, first: int, last: int, note: str) -> DataFrame:
    """Return a row for each id from `first` to `last`."""
    return spark.range(first, last + 1).select(F.col("id").cast("int"), lit(note).alias("note")).coalesce(1)


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


SPARK_OPERATIONS: Mapping[str, Callable[[SparkSession, str], None]] = {
    operation.__name__: operation for operation in (append, overwrite, replace_where, merge, delete, create)
}


def run_operation(spark: SparkSession, name: str, path: str) -> int:
    """Run an operation until Delta commits it, and return the number of conflicts before.

    Raises RuntimeError after MAX_ATTEMPTS conflicts.
    """
    for conflicts in range(MAX_ATTEMPTS):
        if _try_commit(SPARK_OPERATIONS[name], spark, path):
            return conflicts
    raise RuntimeError(f"{name} was refused {MAX_ATTEMPTS} times")


def _try_commit(operation: Callable[[SparkSession, str], None], spark: SparkSession, path: str) -> bool:
    """Run an operation and return whether Delta committed it; False is a conflict with another commit."""
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
    # The AOT cache does not fit a class path with a folder; Java would warn of it on stdout, among the responses.
    spark_options[EXTRA_JAVA_OPTIONS] = " ".join(
        word for word in spark_options[EXTRA_JAVA_OPTIONS].split() if "AOT" not in word
    )
    spark_options["spark.delta.logStore.file.impl"] = "lakehouse.testing.PausingLogStore"
    spark_options["spark.hadoop.lakehouse.testing.store"] = store
    builder = SparkSession.builder
    for name, value in spark_options.items():
        builder = builder.config(name, value)
    spark = builder.getOrCreate()
    print(json.dumps({"ready": True}), flush=True)
    for line in sys.stdin:
        command = json.loads(line)
        Path(command["path"]).mkdir(parents=True, exist_ok=True)
        spark.conf.set(USER_METADATA_CONF, command["stamp"])
        try:
            response: dict[str, object] = {"refused": run_operation(spark, command["operation"], command["path"])}
        except Exception as error:  # noqa: BLE001 - whatever it is, the test reports it
            response = {"error": " ".join(str(error).split())[:MAX_ERROR_LENGTH]}
        print(json.dumps(response), flush=True)
    spark.stop()


if __name__ == "__main__":
    main()
