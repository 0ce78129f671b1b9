"""The runs of gold.runs that were computed from rows of Silver which differ from Postgres now."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from hashlib import md5
from typing import Any

from py4j.protocol import Py4JError
from pyspark.errors import PySparkException
from pyspark.sql import functions as F

from lakehouse.cdc import table_query
from lakehouse.cdc.contract import Contract
from lakehouse.cdc.lake import Lake
from lakehouse.reconcile import canonical
from lakehouse.reconcile.checksums import BUCKET_DIGITS, spark_row_hashes
from lakehouse.reconcile.compare import Difference
from lakehouse.reconcile.table_comparison import TableResult
from lakehouse.refresh.proof import DIFFERS, PROVED

# A run as of an earlier day reads versions of rows, and no current ones.
RUNS_QUERY = f"""
    SELECT run_id, started_at, finished_at, as_of, outcome, proof, proved_tables, input_versions FROM runs
    WHERE input_versions IS NOT NULL AND known_at IS NULL AND coalesce(proof, '') <> '{DIFFERS}'
    ORDER BY started_at DESC
"""  # noqa: S608 - of a constant of our own

RowStates = Mapping[str, Sequence[tuple[str, ...]]]  # by key, the hashes of its rows: none where it has no row


@dataclass(frozen=True)
class SuspectRun:
    """A run whose figures were computed from rows that differ from Postgres now."""

    run_id: str
    started_at: datetime
    as_of: date
    outcome: str

    def __str__(self) -> str:
        return f"run of {self.started_at:%Y-%m-%d %H:%M:%S} UTC, figures of {self.as_of}: {self.outcome}, {self.run_id}"


@dataclass(frozen=True)
class SuspectRuns:
    """The suspect runs, newest first; `unreadable_version` is set where Silver's files of older ones are gone."""

    runs: Sequence[SuspectRun]
    unreadable_version: int | None = None


def find_suspect_runs(lake: Lake, contract: Contract, differences: Sequence[Difference]) -> SuspectRuns:
    """Return the runs that read one of the differing rows as it is in Silver now, newest first.

    Silver is read at each run's version, back to the first run that had none of the rows so. A run that ended before a
    row's last known change had it rightly. A run whose proof compared the whole table by checksum ends the search, too.
    """
    keys = [difference.key for difference in differences]
    states_now = _row_states(lake, contract, keys, None)
    changed_us = _last_changes(lake, contract, keys)
    states_by_version: dict[int, RowStates] = {}
    runs: list[SuspectRun] = []
    for row in table_query.query_all(lake.store, RUNS_QUERY, runs=("gold", "runs")):
        version = json.loads(row["input_versions"]).get(f"silver/{contract.table}")
        if version is None:
            continue
        if _is_proved(row, contract):
            break
        if version not in states_by_version:
            try:
                states_by_version[version] = _row_states(lake, contract, keys, version)
            except (PySparkException, Py4JError):  # vacuumed, or of an earlier contract
                return SuspectRuns(runs, version)
        finished_us = row["finished_at"].timestamp() * 1_000_000
        if not any(
            states_by_version[version][key] == states_now[key] and finished_us >= changed_us.get(key, 0) for key in keys
        ):
            break
        runs.append(SuspectRun(row["run_id"], row["started_at"], row["as_of"], row["outcome"]))
    return SuspectRuns(runs)


def describe_suspect_runs(lake: Lake, contracts: Sequence[Contract], results: Sequence[TableResult]) -> list[str]:
    """Return a line for each suspect run of a differing table, and one where older runs cannot be judged."""
    by_table = {contract.table: contract for contract in contracts}
    return [
        f"{result.table}: {line}"
        for result in results
        if result.differences
        for line in _describe(find_suspect_runs(lake, by_table[result.table], result.differences))
    ]


def _describe(found: SuspectRuns) -> list[str]:
    lines = [f"computed from the differing rows: {run}" for run in found.runs]
    if found.unreadable_version is not None:
        lines.append(
            f"runs that read version {found.unreadable_version} of Silver or an older one cannot be judged: "
            "its files are gone. Take them for wrong from the day on which Postgres changed the row."
        )
    return lines or ["no run was computed from the differing rows."]


def _is_proved(run: Mapping[str, Any], contract: Contract) -> bool:
    compared = json.loads(run["proved_tables"] or "{}").get(contract.table, {})
    return run["proof"] == PROVED and "checksum" in compared and "count" not in compared


def _last_changes(lake: Lake, contract: Contract, keys: Sequence[str]) -> Mapping[str, int]:
    """Return by key when its last known change was committed, in microseconds since 1970."""
    changes = lake.versions(contract).where(F.col("_op").isNotNull())
    by_key = changes.withColumn("_key", canonical.spark_row_text(contract, contract.key)).where(
        F.col("_key").isin(*keys)
    )
    last = by_key.groupBy("_key").agg(F.max(F.unix_micros("_committed_at")).alias("changed_us"))
    return {row["_key"]: row.changed_us or 0 for row in last.collect()}


def _row_states(lake: Lake, contract: Contract, keys: Sequence[str], version: int | None) -> RowStates:
    name = ("silver", contract.table)
    rows = lake.read(*name) if version is None else lake.read_version(*name, version)
    buckets = {md5(key.encode(), usedforsecurity=False).hexdigest()[:BUCKET_DIGITS] for key in keys}
    states: dict[str, list[tuple[str, ...]]] = {key: [] for key in keys}
    for row in spark_row_hashes(rows, contract, [*contract.columns], buckets):
        if row.key in states:
            states[row.key].append(tuple(row.hashes))
    return {key: sorted(hashes) for key, hashes in states.items()}
