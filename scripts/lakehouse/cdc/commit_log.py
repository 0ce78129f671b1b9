"""What the commits in a table's own log show: versions, provenance, rows written, the change feed, refills."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from deltalake import DeltaTable
from deltalake.exceptions import DeltaError

from lakehouse.cdc.contract import Contract
from lakehouse.cdc.fence import field_of
from lakehouse.cdc.table_store import TableStore

# The application id (`appId` of a `txn` action in Delta's protocol) of the commits that fill gaps; its version counts
# them.
REFILL_APP_ID = "lakehouse.refill"
REFILLS_MERGED_PROPERTY = "cdc.refillsMerged"
# Of the versions: whether the table's Silver is to be rebuilt, or is half rebuilt by a run that was killed.
REBUILD_PROPERTY = "cdc.rebuild"

# The operations that write rows in a refresh -> the names of their row counts in `operationMetrics`.
ROW_COUNT_METRICS: Mapping[str, Sequence[str]] = {
    "WRITE": ("numOutputRows",),
    "MERGE": ("numTargetRowsInserted", "numTargetRowsUpdated", "numTargetRowsDeleted"),
}
# The operations that change no row. A fence and other properties are set between data commits.
MAINTENANCE_OPERATIONS = ("OPTIMIZE", "VACUUM START", "VACUUM END", "SET TBLPROPERTIES")
HISTORY_LOOKBACK = 20  # commits searched for the last one that is no maintenance
# VACUUM goes by a file's own age, and a file is written before its commit.
MAX_WRITE_TO_COMMIT_MS = 3_600_000
# Another client writes what it likes there.
UNPRINTABLE, MAX_DESCRIPTION_LENGTH = re.compile(r"[^\w .:/-]"), 60


@dataclass(frozen=True)
class Commit:
    """A version of a table as its log describes it. Only the token can be checked; the rest is what its writer says."""

    version: int
    token: str | None
    operation: str
    engine: str


def commits_after(table: DeltaTable, version: int) -> list[Commit]:
    """Return the commits after a version that the log still has, oldest first."""
    return [_to_commit(commit) for commit in reversed(_commits_after(table, version))]


def last_data_version(store: TableStore, layer: str, name: str) -> int:
    """Return the last version that is no maintenance; the latest one where HISTORY_LOOKBACK versions are."""
    table = store.delta_table(layer, name)
    return int((_last_data_commit(table) or {"version": table.version()})["version"])


def provenance(store: TableStore, layer: str, name: str) -> str | None:
    """Return the provenance in the stamp of the last commit that is no maintenance; None where it is unknown."""
    commit = _last_data_commit(store.delta_table(layer, name)) or {}
    return field_of(commit.get("userMetadata"), "provenance")


def rows_written_per_commit(store: TableStore, layer: str, name: str, since: int) -> list[int]:
    """Return the rows inserted, updated and deleted by each data commit after version `since`, newest first."""
    return [
        _rows_written(commit)
        for commit in _commits_after(store.delta_table(layer, name), since)
        if commit.get("operation") in ROW_COUNT_METRICS
    ]


def has_complete_change_feed(store: TableStore, layer: str, name: str, since: int) -> bool:
    """Return whether the change feed after version `since` is complete: no commit and no file of it was removed."""
    commits = _commits_after(store.delta_table(layer, name), since)
    if not commits or commits[-1]["version"] != since + 1:
        return False
    return all(_preserves_change_feed(commit, commits[-1]["timestamp"]) for commit in commits)


def refill_count(store: TableStore, contract: Contract) -> int:
    """Return how many commits filled gaps of the Bronze table: the version of REFILL_APP_ID in its log."""
    return store.delta_table("bronze", contract.table).transaction_version(REFILL_APP_ID) or 0


def merged_refill_count(store: TableStore, contract: Contract) -> int:
    """Return Bronze's refill count at the last rebuild of the table's Silver."""
    return int(store.properties("silver", f"{contract.table}_versions").get(REFILLS_MERGED_PROPERTY, 0))


def is_rebuild_requested(store: TableStore, contract: Contract) -> bool:
    """Return whether a rebuild of the table's Silver was requested, or begun and not ended."""
    return store.properties("silver", f"{contract.table}_versions").get(REBUILD_PROPERTY) == "true"


def request_rebuild(store: TableStore, contract: Contract) -> None:
    """Have the next merge rebuild the table's Silver from Bronze."""
    store.set_properties("silver", f"{contract.table}_versions", {REBUILD_PROPERTY: "true"})


def end_rebuild(store: TableStore, contract: Contract, refill_count: int) -> None:
    """Record that the table's Silver was rebuilt, at this refill count of Bronze."""
    properties = {REBUILD_PROPERTY: "false", REFILLS_MERGED_PROPERTY: str(refill_count)}
    store.set_properties("silver", f"{contract.table}_versions", properties)


def _last_data_commit(table: DeltaTable) -> Mapping[str, Any] | None:
    """Return the last commit that is no maintenance; None where HISTORY_LOOKBACK commits are."""
    commits = _history(table, HISTORY_LOOKBACK)
    return next((commit for commit in commits if commit.get("operation") not in MAINTENANCE_OPERATIONS), None)


def _commits_after(table: DeltaTable, version: int) -> list[dict[str, Any]]:
    """Return the commits after a version that the log still has, newest first."""
    return [commit for commit in _history(table, max(1, table.version() - version)) if commit["version"] > version]


def _history(table: DeltaTable, limit: int) -> list[dict[str, Any]]:
    """Return up to `limit` last commits of an open table, newest first, each with the version that it has.

    delta-rs lists the log as it is now, and counts down from the version at which the table was opened: after a commit
    of somebody else in between, each commit has the number of the one before it.
    """
    opened_at = latest = table.version()
    commits = _read_history(table, limit)
    while (now := DeltaTable(table.table_uri).version()) != latest:
        latest, commits = now, _read_history(table, limit)
    numbered = ({**commit, "version": commit["version"] + latest - opened_at} for commit in commits)
    return [commit for commit in numbered if commit["version"] <= opened_at]


def _read_history(table: DeltaTable, limit: int) -> list[dict[str, Any]]:
    """Return what delta-rs lists: commits after the last one that it cannot parse."""
    try:
        return [*table.history(limit)]
    except DeltaError:
        readable, unreadable = 0, limit
        while unreadable - readable > 1:
            middle = (readable + unreadable) // 2
            if _can_read(table, middle):
                readable = middle
            else:
                unreadable = middle
        return [*table.history(readable)] if readable else []


def _can_read(table: DeltaTable, limit: int) -> bool:
    try:
        table.history(limit)
    except DeltaError:
        return False
    return True


def _to_commit(commit: Mapping[str, Any]) -> Commit:
    token = field_of(commit.get("userMetadata"), "token")
    operation, engine = (
        UNPRINTABLE.sub("?", str(commit.get(name) or "unknown"))[:MAX_DESCRIPTION_LENGTH]
        for name in ("operation", "engineInfo")
    )
    return Commit(int(commit["version"]), token if isinstance(token, str) else None, operation, engine)


def _rows_written(commit: Mapping[str, Any]) -> int:
    metrics = commit.get("operationMetrics") or {}
    return sum(int(metrics.get(name, 0)) for name in ROW_COUNT_METRICS[commit["operation"]])


def _preserves_change_feed(commit: Mapping[str, Any], first_commit_ms: int) -> bool:
    """Return whether a commit leaves the change feed since `first_commit_ms` complete."""
    parameters = commit.get("operationParameters", {})
    if commit["operation"] == "VACUUM START":
        retention_ms = parameters.get("specifiedRetentionMillis")  # another program's VACUUM may not record it
        return retention_ms is not None and bool(
            commit["timestamp"] - int(retention_ms) <= first_commit_ms - MAX_WRITE_TO_COMMIT_MS
        )
    return commit["operation"] in (*MAINTENANCE_OPERATIONS, "MERGE") or (
        commit["operation"],
        parameters.get("mode"),
    ) == ("WRITE", "Append")
