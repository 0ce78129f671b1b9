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
        self._spark: Any = spark._jsparkSession  # noqa: SLF001 - Delta has no Python API for its log
        self._delta: Any = spark.sparkContext._jvm.org.apache.spark.sql.delta  # type: ignore[union-attr]  # noqa: SLF001
        self._checked_version = self._latest_version()

    def ensure_committed(self, token: str, expected_rows: int) -> None:
        """Raise LakehouseError unless a version since the last check has this userMetadata and so many rows.

        Others commit too, so that the last version may be one of theirs. The log is listed anew only where the
        version that this JVM knows does not show the commit: it may have forgotten the table meanwhile.
        """
        for read_version in (self._cached_version, self._latest_version):
            newest = read_version()
            for version in range(newest, self._checked_version, -1):
                commit = self._read_commit_info(version)
                if commit.get("userMetadata") == token:
                    self._checked_version = newest
                    _ensure_row_count(commit, expected_rows, f"version {version} of {self._path}")
                    return
        raise LakehouseError(
            f"Delta reported a commit to {self._path}, and none of its versions after {self._checked_version} is that commit: "
            "another writer has overwritten it."
        )

    def _cached_version(self) -> int:
        """Return the version that this JVM has last seen, which is one that it committed itself, or a later one."""
        return int(self._delta_log().unsafeVolatileSnapshot().version())

    def _latest_version(self) -> int:
        return int(self._delta.DeltaLog.forTableWithSnapshot(self._spark, self._path)._2().version())  # noqa: SLF001

    def _delta_log(self) -> Any:
        """Return the JVM's own object of the table, which it keeps for an hour after its last use."""
        return self._delta.DeltaLog.forTable(self._spark, self._path)

    def _read_commit_info(self, version: int) -> Mapping[str, Any]:
        """Return what a version says of itself."""
        log = self._delta_log()
        file = self._delta.util.FileNames.unsafeDeltaFile(log.logPath(), version)
        lines = str(log.store().read(file, log.newDeltaHadoopConf()).mkString("\n")).splitlines()
        actions = (json.loads(line) for line in lines)
        return next((action["commitInfo"] for action in actions if "commitInfo" in action), {})


def _ensure_row_count(commit: Mapping[str, Any], expected_rows: int, commit_name: str) -> None:
    written = int(commit.get("operationMetrics", {}).get("numOutputRows", -1))
    if written != expected_rows:
        raise LakehouseError(f"{commit_name} has {written} rows, and {expected_rows} were to be written.")
