"""A table's files as any reader of Parquet has them, where by Delta's protocol these alone are the table's rows.

Delta runs a job to replay a table's log and another one to find the files of a scan: for few rows, that is most of a
refresh. delta-rs reads the log in milliseconds.
"""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from itertools import islice
from typing import Any

from deltalake import DeltaTable
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql.types import StructType

from lakehouse.spark.literals import lit

# Above it, the statistics by which Delta leaves files out are worth more.
MAX_PLAIN_FILES = 64
# The features of tables under which a file has its rows, all of them, under their own names and types.
PLAIN_READER_FEATURES = frozenset({"timestampNtz"})
FIRST_VERSION_WITH_FEATURES = 3
# Neither encoded, nor outside of the table's folder, nor a name that Spark takes for hidden and leaves out.
PLAIN_PATH = re.compile(r"(?:[\w=.-]+/)*(?!.*\._COPYING_$)[A-Za-z0-9][\w.-]*", re.ASCII)
# The name of the folder of NULL.
NULL_PARTITION = "__HIVE_DEFAULT_PARTITION__"
# Spark takes a path with one of these for a pattern, and then reads a file several times.
PATTERN_CHARACTERS = frozenset("{}[]*?\\")

FileEntry = Mapping[str, Any]  # an add action of the log, flattened by delta-rs


def read_plain(spark: SparkSession, path: str, keeps: Callable[[FileEntry], bool] = lambda _: True) -> DataFrame | None:
    """Return the rows of a table's files, of those that `keeps` selects by their entries in the log.

    Returns None where the files are not plain, or more than MAX_PLAIN_FILES: only Delta then has the rows.
    """
    table = DeltaTable(path)
    if PATTERN_CHARACTERS & set(path) or not _has_plain_files(table):
        return None
    partition_columns = table.metadata().partition_columns
    entries = [*islice(filter(keeps, _entries(table)), MAX_PLAIN_FILES + 1)]
    if len(entries) > MAX_PLAIN_FILES or not all(_is_plain(entry, partition_columns) for entry in entries):
        return None
    schema = StructType.fromJson(json.loads(table.schema().to_json()))
    if not entries:
        return spark.range(0).select(*(lit(None).cast(field.dataType).alias(field.name) for field in schema))
    rows = spark.read.schema(schema).option("basePath", path).parquet(*(f"{path}/{entry['path']}" for entry in entries))
    # Columns that stand in the names of folders come last.
    return rows.select(*(F.col(f"`{name}`") for name in schema.names)) if partition_columns else rows


def _has_plain_files(table: DeltaTable) -> bool:
    """Return whether the protocol allows neither deletion vectors, nor column mapping, nor files of other types."""
    protocol = table.protocol()
    if protocol.min_reader_version == 1:
        return True
    features = frozenset(protocol.reader_features or ())
    return protocol.min_reader_version == FIRST_VERSION_WITH_FEATURES and features <= PLAIN_READER_FEATURES


def _entries(table: DeltaTable) -> Iterator[FileEntry]:
    files: Any = table.get_add_actions(flatten=True)
    names = files.schema.names
    columns = (files.column(name).to_pylist() for name in names)
    return (dict(zip(names, values, strict=True)) for values in zip(*columns, strict=True))


def _is_plain(entry: FileEntry, partition_columns: list[str]) -> bool:
    """Return whether Spark finds the file by its path, and in its folders' names the values that the log has."""
    values = {name: entry[f"partition.{name}"] for name in partition_columns}
    if not {None, NULL_PARTITION}.isdisjoint(values.values()):
        return False
    folder, _, _ = entry["path"].rpartition("/")
    is_named_by_values = folder == "/".join(f"{name}={value}" for name, value in values.items())
    return is_named_by_values and bool(PLAIN_PATH.fullmatch(entry["path"]))
