"""One look at a batch, in one pass: what decides how it is written, and whether the table still fits its contract."""

from dataclasses import dataclass
from typing import Any

from pyspark.sql import DataFrame, Row
from pyspark.sql import functions as F

from lakehouse.cdc.contract import Contract
from lakehouse.cdc.envelope import INSERT, UPSERTS
from lakehouse.cdc.source import READ_ANEW
from lakehouse.cdc.sweeps import snapshot, sweeping
from lakehouse.errors import SchemaMismatch


@dataclass(frozen=True)
class Facts:
    """Of a batch of changes: how many there are, how many are refused, and what else is to be done with them."""

    changes: int
    refused: int
    incomplete: int  # have left values out
    moved: int  # of these, came under a new key
    sweeping: int  # sweep rows away that no message names
    snapshots: int  # distinct first snapshots, those that were read again included
    others: int  # are no rows of a first snapshot
    earliest: int | None  # commit
    lowest: int | None  # place in Postgres's log
    inserts: int
    first_key: Any  # of the key's first column
    last_key: Any


def examine(changes: DataFrame, contract: Contract) -> Facts:
    """Give the facts of a batch; raise SchemaMismatch, naming column and place but no value, where it does not fit."""
    upsert = F.col("_op").isin(*UPSERTS)
    place = F.struct("_incarnation", "_partition", "_offset")
    incomplete = F.size("_unchanged") > 0
    row = changes.agg(
        F.count("*"),
        F.count_if(F.size("_reasons") > 0),
        F.count_if(incomplete),
        F.count_if(incomplete & (F.col("_op") == INSERT)),
        F.count_if(sweeping()),
        F.size(F.collect_set(snapshot())),
        F.count_if(snapshot().isNull()),
        F.min(F.coalesce("_commit_seq", "_lsn")),
        F.min("_lsn"),
        F.count_if(F.col("_op") == INSERT),
        F.min(contract.key[0]),
        F.max(contract.key[0]),
        F.min(F.when(F.size("_misfits") > 0, F.struct(place, "_misfits"))).alias("misfit"),
        # Older messages may lack a column that was added later; the newest one shows the table as it is.
        F.max(F.when(upsert, F.struct(place, F.col("_missing").alias("missing")))).alias("newest"),
    ).first()
    assert row is not None  # noqa: S101 - an aggregate without groups has one row
    _check(row, contract)
    return Facts(*row[:12])


def _check(row: Row, contract: Contract) -> None:
    mend = f"Nothing was changed in Silver. Mend contracts/{contract.table}.py to the table as it is now"
    if row["misfit"]:
        (_, partition, offset), columns = row["misfit"]
        raise SchemaMismatch(
            f"{contract.table}: the value of {', '.join(columns)} is not of the contract's type, first at "
            f"{contract.topic}, partition {partition}, offset {offset}. {mend}; the next refresh reads it anew."
        )
    if row["newest"] and row["newest"]["missing"]:
        raise SchemaMismatch(
            f"{contract.table}: {', '.join(row['newest']['missing'])} is in the contract and no longer in the "
            f"table. {mend}, or give the column back. If it got another name, no change told the values under it: "
            f"{READ_ANEW}"
        )
