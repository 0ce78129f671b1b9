"""Whether a commit that Delta reported is in the table's log, as it was made: read back from the log, not believed."""

import json
from collections.abc import Mapping
from typing import Any

from pyspark.sql import SparkSession

from lakehouse.errors import LakehouseError


class CommitCheck:
    """Reads back the commits of one writer to one table, through the log store of this session.

    Each takes some milliseconds: the version is known to this JVM, and one small file is read.
    """

    def __init__(self, spark: SparkSession, path: str) -> None:
        self._path = path
        jvm: Any = spark.sparkContext._jvm  # noqa: SLF001 - Delta has no Python API for its log
        self._file_names = jvm.org.apache.spark.sql.delta.util.FileNames
        self._log = jvm.org.apache.spark.sql.delta.DeltaLog.forTable(spark._jsparkSession, path)  # noqa: SLF001
        self._conf = self._log.newDeltaHadoopConf()
        self._checked = self._version()

    def ensure_committed(self, token: str, rows: int) -> None:
        """Raise LakehouseError unless a version since the last check has this userMetadata and so many rows.

        Others commit too, so that the last version may be one of theirs.
        """
        newest = self._version()
        for version in range(newest, self._checked, -1):
            commit = self._commit(version)
            if commit.get("userMetadata") == token:
                self._checked = newest
                written = int(commit.get("operationMetrics", {}).get("numOutputRows", -1))
                if written != rows:
                    raise LakehouseError(
                        f"version {version} of {self._path} has {written} rows, and {rows} were to be written."
                    )
                return
        raise LakehouseError(
            f"Delta reported a commit to {self._path}, and none of its versions {self._checked + 1} to {newest} is "
            "that commit: another writer has overwritten it."
        )

    def _version(self) -> int:
        return int(self._log.unsafeVolatileSnapshot().version())

    def _commit(self, version: int) -> Mapping[str, Any]:
        """Return what a version says of itself."""
        file = self._file_names.unsafeDeltaFile(self._log.logPath(), version)
        lines = str(self._log.store().read(file, self._conf).mkString("\n")).splitlines()
        actions = (json.loads(line) for line in lines)
        return next((action["commitInfo"] for action in actions if "commitInfo" in action), {})
