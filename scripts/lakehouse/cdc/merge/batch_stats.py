"""One look at a batch, in one pass: what decides how it is written, and whether the table still fits its contract."""

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
    """Of a batch of changes: how many there are, how many are refused, and what else is to be done with them."""

    changes: int
    refused: int
    toasted: int  # have left values out
    key_changes: int  # of these, came under a new key
    implicit_deletes: int  # sweep rows away that no message names
    initial_snapshots: int  # distinct first snapshots, those that were read again included
    not_initial_snapshot: int  # are no rows of a first snapshot
    min_commit_lsn: int | None  # commit
    min_lsn: int | None  # place in Postgres's log
    inserts: int
    min_key: Any  # of the key's first column
    max_key: Any


def compute_batch_stats(changes: DataFrame, contract: Contract) -> BatchStats:
    """Give the facts of a batch; raise SchemaMismatch, naming column and place but no value, where it does not fit."""
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
        # Older messages may lack a column that was added later; the newest one shows the table as it is.
        F.max(F.when(is_upsert, F.struct(position, F.col("_missing").alias("missing")))).alias("newest"),
    ).first()
    assert row is not None  # noqa: S101 - an aggregate without groups has one row
    _ensure_schema_matches(row, contract)
    return BatchStats(*row[:12])


def _ensure_schema_matches(row: Row, contract: Contract) -> None:
    remedy = f"Nothing was changed in Silver. Mend contracts/{contract.table}.py to the table as it is now"
    if row["misfit"]:
        (_, partition, offset), columns = row["misfit"]
        raise SchemaMismatch(
            f"{contract.table}: the value of {', '.join(columns)} is not of the contract's type, first at "
            f"{contract.topic}, partition {partition}, offset {offset}. {remedy}; the next refresh reads it anew."
        )
    if row["newest"] and row["newest"]["missing"]:
        raise SchemaMismatch(
            f"{contract.table}: {', '.join(row['newest']['missing'])} is in the contract and no longer in the "
            f"table. {remedy}, or give the column back. If it got another name, no change told the values under it: "
            f"{RESNAPSHOT_HINT}"
        )
