"""A batch of changes on its way into Silver, with its statistics: they decide which steps it needs."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from pyspark.sql import DataFrame, Row
from pyspark.sql import functions as F

from lakehouse.cdc.contract import Contract
from lakehouse.cdc.merge.envelope import INSERT
from lakehouse.cdc.merge.ordering import OFFSET_ORDER
from lakehouse.cdc.merge.predicates import implies_deletes, initial_snapshot_lsn, is_mismatch, is_upsert
from lakehouse.cdc.merge.problems import MISSING, REFUSED_MANUALLY, TOASTED, TYPE_MISMATCH, columns_with, has_problem
from lakehouse.cdc.offsets import Offsets
from lakehouse.spark.materialize import materialize


@dataclass(frozen=True)
class ColumnsOfChange:
    """Columns of one change that do not fit the contract, and where the change is."""

    partition: int
    offset: int
    columns: Sequence[str]


@dataclass(frozen=True)
class BatchStats:
    """Counts and bounds of a batch of changes."""

    changes: int
    is_single_partition: bool  # all changes are of one partition, of one incarnation of the topic
    may_repeat: int  # changes that may be duplicates
    refused: int
    toasted: int  # changes without their TOASTed values
    key_changes: int  # of these, the inserts: rows under a new key
    implicit_deletes: int  # changes that delete rows without a message for each
    initial_snapshots: int  # distinct initial snapshots, repeated ones included
    not_initial_snapshot: int  # changes that are no rows of an initial snapshot
    min_commit_lsn: int | None  # a change without a commit LSN counts with its own LSN
    min_lsn: int | None
    min_key: Any  # of the first key column
    max_key: Any
    mismatches: int  # changes with a value of another type than the contract's, unless refused manually
    first_mismatch: ColumnsOfChange | None
    # Of the newest upsert that was not refused manually: older ones may lack a column that was added later.
    missing_columns: ColumnsOfChange | None


@dataclass(frozen=True)
class Batch:
    """Changes of one table, computed once; each step returns another batch, or this one where nothing is to do."""

    contract: Contract
    changes: DataFrame

    @classmethod
    def compute(cls, contract: Contract, changes: DataFrame) -> "Batch":
        """Return the batch of these changes, computed now."""
        return cls(contract, materialize(changes))

    @cached_property
    def stats(self) -> BatchStats:
        """Compute the statistics, in one pass, at their first use."""
        topic_partition = F.struct("_incarnation", "_partition")
        located = F.struct(F.struct(*OFFSET_ORDER), "_problems")
        is_toasted, is_insert = has_problem(TOASTED), F.col("_op") == INSERT
        is_judged = ~has_problem(REFUSED_MANUALLY)
        counts = {
            "changes": F.count("*"),
            "is_single_partition": F.min(topic_partition).eqNullSafe(F.max(topic_partition)),
            "may_repeat": F.count_if("_may_repeat"),
            "refused": F.count_if(F.size("_reasons") > 0),
            "toasted": F.count_if(is_toasted),
            "key_changes": F.count_if(is_toasted & is_insert),
            "implicit_deletes": F.count_if(implies_deletes()),
            "initial_snapshots": F.size(F.collect_set(initial_snapshot_lsn())),
            "not_initial_snapshot": F.count_if(initial_snapshot_lsn().isNull()),
            "min_commit_lsn": F.min(F.coalesce("_last_commit_lsn", "_lsn")),
            "min_lsn": F.min("_lsn"),
            "mismatches": F.count_if(is_mismatch()),
            "min_key": F.min(self.contract.key[0]),
            "max_key": F.max(self.contract.key[0]),
        }
        row = self.changes.agg(
            *(count.alias(name) for name, count in counts.items()),
            F.min(F.when(is_mismatch(), located)).alias("first_mismatch"),
            F.max(F.when(is_upsert() & is_judged, located)).alias("newest_upsert"),
        ).first()
        assert row is not None  # noqa: S101 - an aggregate without groups has one row
        return BatchStats(
            **{name: row[name] for name in counts},
            first_mismatch=_columns_of_change(TYPE_MISMATCH, row["first_mismatch"]),
            missing_columns=_columns_of_change(MISSING, row["newest_upsert"]),
        )


@dataclass(frozen=True)
class MergedState:
    """What Silver has merged before a batch."""

    offsets: Offsets
    max_commit_lsn: int | None
    versions: Callable[[], DataFrame]  # read only by a step that needs them

    def overlaps(self, batch: Batch) -> bool:
        """Return whether a batch may have changes that were merged already, or that arrive late."""
        first = batch.stats.min_commit_lsn
        return self.max_commit_lsn is not None and first is not None and first <= self.max_commit_lsn


def _columns_of_change(kind: str, located: Row | None) -> ColumnsOfChange | None:
    """Return the columns of a change that have a problem of this kind; None where there is no change or no such one."""
    if located is None:
        return None
    (_, partition, offset), problems = located
    columns = columns_with(kind, problems)
    return ColumnsOfChange(partition, offset, columns) if columns else None
