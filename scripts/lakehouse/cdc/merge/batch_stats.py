"""Statistics of a batch, computed in one pass: they decide how it is written, and whether it fits its contract."""

from dataclasses import dataclass
from typing import Any

from pyspark.sql import DataFrame, Row
from pyspark.sql import functions as F

from lakehouse.cdc.contract import Contract
from lakehouse.cdc.merge.envelope import INSERT, UPSERT_OPS
from lakehouse.cdc.merge.implicit_deletes import implies_deletes, initial_snapshot_lsn
from lakehouse.cdc.source_identity import RESNAPSHOT_HINT
from lakehouse.errors import SchemaMismatch


@dataclass(frozen=True)
class BatchStats:
    """Counts and bounds of a batch of changes."""

    changes: int
    refused: int
    toasted: int  # changes without their TOASTed values
    key_changes: int  # of these, the inserts: rows under a new key
    implicit_deletes: int  # changes that delete rows without a message for each
    initial_snapshots: int  # distinct initial snapshots, repeated ones included
    not_initial_snapshot: int  # changes that are no rows of an initial snapshot
    min_commit_lsn: int | None  # a change without a commit LSN counts with its own LSN
    min_lsn: int | None
    inserts: int
    min_key: Any  # of the first key column
    max_key: Any


def compute_batch_stats(changes: DataFrame, contract: Contract) -> BatchStats:
    """Return the statistics of a batch.

    Raises SchemaMismatch, naming column and offset but no value, where the batch does not fit its contract.
    """
    is_upsert = F.col("_op").isin(*UPSERT_OPS)
    position = F.struct("_incarnation", "_partition", "_offset")
    is_toasted = F.size("_unchanged") > 0
    row = changes.agg(
        F.count("*"),
        F.count_if(F.size("_reasons") > 0),
        F.count_if(is_toasted),
        F.count_if(is_toasted & (F.col("_op") == INSERT)),
        F.count_if(implies_deletes()),
        F.size(F.collect_set(initial_snapshot_lsn())),
        F.count_if(initial_snapshot_lsn().isNull()),
        F.min(F.coalesce("_commit_seq", "_lsn")),
        F.min("_lsn"),
        F.count_if(F.col("_op") == INSERT),
        F.min(contract.key[0]),
        F.max(contract.key[0]),
        F.min(F.when(F.size("_misfits") > 0, F.struct(position, "_misfits"))).alias("misfit"),
        # Older messages may lack a column that was added later; the newest one has the table's present columns.
        F.max(F.when(is_upsert, F.struct(position, F.col("_missing").alias("missing")))).alias("newest"),
    ).first()
    assert row is not None  # noqa: S101 - an aggregate without groups has one row
    _ensure_schema_matches(row, contract)
    return BatchStats(*row[:12])


def _ensure_schema_matches(row: Row, contract: Contract) -> None:
    remedy = f"Nothing was changed in Silver. Change contracts/{contract.table}.py to match the table"
    if row["misfit"]:
        (_, partition, offset), columns = row["misfit"]
        raise SchemaMismatch(
            f"{contract.table}: the value of {', '.join(columns)} is not of the contract's type, first at "
            f"{contract.topic}, partition {partition}, offset {offset}. {remedy}; "
            "the next refresh reads the batch again."
        )
    if row["newest"] and row["newest"]["missing"]:
        raise SchemaMismatch(
            f"{contract.table}: {', '.join(row['newest']['missing'])} is in the contract and no longer in the "
            f"table. {remedy}, or restore the column. If it was renamed, no message has the values under the new "
            f"name: {RESNAPSHOT_HINT}"
        )
