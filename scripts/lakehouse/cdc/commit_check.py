"""Proof that a commit which Delta reported is in the table's log: the log is read back, not trusted."""

import json
from collections.abc import Mapping
from typing import Any

from pyspark.sql import SparkSession

from lakehouse.errors import LakehouseError


class CommitCheck:
    """Reader of one writer's commits to one table, through the log store of this session.

    A check takes some milliseconds: this JVM knows the version, and one small file is read.
    """

    def __init__(self, spark: SparkSession, path: str) -> None:
        self._path = path
        self._spark: Any = spark._jsparkSession  # noqa: SLF001 - Delta has no Python API for its log
        self._delta: Any = spark.sparkContext._jvm.org.apache.spark.sql.delta  # type: ignore[union-attr]  # noqa: SLF001
        self._checked_version = self._latest_version()

    def ensure_committed(self, stamp: str, expected_rows: int) -> None:
        """Raise LakehouseError unless a version since the last check has this userMetadata and this number of rows.

        Others commit too, so the last version may be theirs. The log is listed again only where the versions known to
        this JVM lack the commit. That happens where the JVM has dropped the table from its cache.
        """
        for read_version in (self._cached_version, self._latest_version):
            newest = read_version()
            for version in range(newest, self._checked_version, -1):
                commit = self._read_commit_info(version)
                if commit.get("userMetadata") == stamp:
                    self._checked_version = newest
                    _ensure_row_count(commit, expected_rows, f"version {version} of {self._path}")
                    return
        raise LakehouseError(
            f"Delta reported a commit to {self._path}, and none of its versions after {self._checked_version} is "
            "that commit: another writer has overwritten it."
        )

    def _cached_version(self) -> int:
        """Return the last version that this JVM knows: its own last commit, or a later one."""
        return int(self._delta_log().unsafeVolatileSnapshot().version())

    def _latest_version(self) -> int:
        return int(self._delta.DeltaLog.forTableWithSnapshot(self._spark, self._path)._2().version())  # noqa: SLF001

    def _delta_log(self) -> Any:
        """Return the JVM's DeltaLog of the table, which it caches for an hour after the last use."""
        return self._delta.DeltaLog.forTable(self._spark, self._path)

    def _read_commit_info(self, version: int) -> Mapping[str, Any]:
        """Return the `commitInfo` of a version, empty where it has none."""
        log = self._delta_log()
        file = self._delta.util.FileNames.unsafeDeltaFile(log.logPath(), version)
        lines = str(log.store().read(file, log.newDeltaHadoopConf()).mkString("\n")).splitlines()
        actions = (json.loads(line) for line in lines)
        return next((action["commitInfo"] for action in actions if "commitInfo" in action), {})


def _ensure_row_count(commit: Mapping[str, Any], expected_rows: int, commit_name: str) -> None:
    row_count = int(commit.get("operationMetrics", {}).get("numOutputRows", -1))
    if row_count != expected_rows:
        raise LakehouseError(f"{commit_name} has {row_count} rows, and {expected_rows} were to be written.")
