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
        self._checked = self._listed_version()

    def ensure_committed(self, token: str, rows: int) -> None:
        """Raise LakehouseError unless a version since the last check has this userMetadata and so many rows.

        Others commit too, so that the last version may be one of theirs. The log is listed anew only where the
        version that this JVM knows does not show the commit: it may have forgotten the table meanwhile.
        """
        for version_of in (self._known_version, self._listed_version):
            newest = version_of()
            for version in range(newest, self._checked, -1):
                commit = self._commit(version)
                if commit.get("userMetadata") == token:
                    self._checked = newest
                    _ensure_rows(commit, rows, f"version {version} of {self._path}")
                    return
        raise LakehouseError(
            f"Delta reported a commit to {self._path}, and none of its versions after {self._checked} is that commit: "
            "another writer has overwritten it."
        )

    def _known_version(self) -> int:
        """Return the version that this JVM has last seen, which is one that it committed itself, or a later one."""
        return int(self._log().unsafeVolatileSnapshot().version())

    def _listed_version(self) -> int:
        return int(self._delta.DeltaLog.forTableWithSnapshot(self._spark, self._path)._2().version())  # noqa: SLF001

    def _log(self) -> Any:
        """Return the JVM's own object of the table, which it keeps for an hour after its last use."""
        return self._delta.DeltaLog.forTable(self._spark, self._path)

    def _commit(self, version: int) -> Mapping[str, Any]:
        """Return what a version says of itself."""
        log = self._log()
        file = self._delta.util.FileNames.unsafeDeltaFile(log.logPath(), version)
        lines = str(log.store().read(file, log.newDeltaHadoopConf()).mkString("\n")).splitlines()
        actions = (json.loads(line) for line in lines)
        return next((action["commitInfo"] for action in actions if "commitInfo" in action), {})


def _ensure_rows(commit: Mapping[str, Any], rows: int, where: str) -> None:
    written = int(commit.get("operationMetrics", {}).get("numOutputRows", -1))
    if written != rows:
        raise LakehouseError(f"{where} has {written} rows, and {rows} were to be written.")
