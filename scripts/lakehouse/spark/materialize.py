"""Materialization of rows that several queries read."""

from pyspark import StorageLevel
from pyspark.sql import DataFrame


def materialize(rows: DataFrame) -> DataFrame:
    """Return the rows computed now, in memory or on disk, with nothing left to plan.

    Spark compares a cached plan with every plan that reads it, which takes longer here than the reading.
    """
    return rows.localCheckpoint(eager=True, storageLevel=StorageLevel.MEMORY_AND_DISK)
