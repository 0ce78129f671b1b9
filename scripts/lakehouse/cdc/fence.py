"""Fencing of a table's writers: once a lease has passed to another process, its old holder cannot commit (law 9).

Each lease of a job has a number, higher than those before it. Its holder first commits the number to the table's log,
as a property. Only then it reads where the table ends. Each commit names its lease, and our log store (spark/java,
CommitFence) refuses it where the log has a higher number.
"""

import json
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

from deltalake.exceptions import CommitFailedError

from lakehouse.cdc.table_store import TableStore
from lakehouse.errors import LakehouseError, LockLost

FENCE_PROPERTY = "cdc.fence."  # followed by the job
MAX_FENCE_ATTEMPTS = 20  # of a property change that conflicts with commits of others
VERIFIED_FOR_S = 60.0  # less than the shortest retention of a table's log


@dataclass(frozen=True)
class WriterLease:
    """The lease by which a process writes: its job, and the number that rises with each holder."""

    job: str
    number: int


def fence_table(store: TableStore, layer: str, name: str, lease: WriterLease) -> None:
    """Commit the lease's number to the table's log, without a row, unless it is there.

    Afterwards no commit with a lower number of the same job can succeed. Raises LockLost where a higher one is there.
    """
    for _ in range(MAX_FENCE_ATTEMPTS):
        if _fence_number(store, layer, name, lease) == lease.number:
            return
        try:
            store.set_properties(layer, name, {f"{FENCE_PROPERTY}{lease.job}": str(lease.number)})
        except CommitFailedError:
            continue
    raise LakehouseError(
        f"{layer}/{name} could not be fenced: another process changed it {MAX_FENCE_ATTEMPTS} times meanwhile. "
        "Run this again."
    )


def fence_tables(store: TableStore, tables: Iterable[tuple[str, str]], lease: WriterLease) -> None:
    """Fence each table, given as (layer, name), that exists."""
    for layer, name in tables:
        if store.exists(layer, name):
            fence_table(store, layer, name, lease)


def highest_fence(store: TableStore) -> int:
    """Return the highest number of any job by which a table of the lake is fenced, 0 where none is.

    A lake behind a URI has no fences: our log store is for disks.
    """
    logs = () if "://" in store.root else Path(store.root).glob("*/*/_delta_log")
    return max(
        (
            int(value)
            for log in logs
            for key, value in store.properties(log.parts[-3], log.parts[-2]).items()
            if key.startswith(FENCE_PROPERTY)
        ),
        default=0,
    )


class CommitStamps:
    """Stamps of commits without a lease: a token, by which a commit is found again."""

    def next(self, layer: str, name: str, **fields: str) -> str:  # noqa: ARG002 - for those with a lease
        """Return the stamp of the table's next commit, its userMetadata: JSON with these fields in it."""
        return json.dumps({"token": uuid4().hex, **fields})


class LeasedStamps(CommitStamps):
    """Stamps of one process's commits under a lease, which our log store compares with the fences in the log."""

    def __init__(self, store: TableStore, lease: WriterLease, clock: Callable[[], float] = time.monotonic) -> None:
        self._store, self._lease, self._clock = store, lease, clock
        self._verified: dict[tuple[str, str], tuple[int, float]] = {}

    def next(self, layer: str, name: str, **fields: str) -> str:
        """Return the stamp of the table's next commit.

        Raises LockLost where the table's log has a higher number of the job.
        """
        writer = {"job": self._lease.job, "fence": self._lease.number, "verified": self._verify(layer, name)}
        return json.dumps({"token": uuid4().hex, "writer": writer, **fields})

    def _verify(self, layer: str, name: str) -> int:
        """Return a version up to which the log has no higher number; our log store reads those after it.

        A version found some time ago is too old: the log's clean-up may have removed the one after it.
        """
        version, verified_at = self._verified.get((layer, name), (-1, -VERIFIED_FOR_S))
        if self._clock() - verified_at >= VERIFIED_FOR_S:
            table = self._store.delta_table(layer, name)
            _ensure_not_passed_on(table.metadata().configuration, f"{layer}/{name}", self._lease)
            version = table.version()
            self._verified[layer, name] = version, self._clock()
        return version


def field_of(user_metadata: str | None, name: str) -> str | None:
    """Return a field of a commit's stamp; None where the commit has none."""
    return _fields(user_metadata).get(name)


def _fence_number(store: TableStore, layer: str, name: str, lease: WriterLease) -> int:
    return _ensure_not_passed_on(store.properties(layer, name), f"{layer}/{name}", lease)


def _ensure_not_passed_on(properties: Mapping[str, str], table: str, lease: WriterLease) -> int:
    """Return the number in a table's properties, 0 where there is none. Raises LockLost where it is a higher one."""
    number = int(properties.get(f"{FENCE_PROPERTY}{lease.job}", 0))
    if number > lease.number:
        raise LockLost(
            f"the lease of the {lease.job} has passed to another process, which has fenced {table} by number {number} "
            f"(this one has {lease.number}); nothing was written."
        )
    return number


def _fields(user_metadata: str | None) -> Mapping[str, Any]:
    try:
        fields = json.loads(user_metadata or "{}")
    except (ValueError, TypeError, RecursionError):  # another client writes what it likes there
        return {}
    return fields if isinstance(fields, dict) else {}
