"""Quarantine: every refused change, once, with its reasons; closed when a later version passes or the key goes."""

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from lakehouse.cdc.contract import Contract
from lakehouse.cdc.envelope import DELETE
from lakehouse.cdc.lake import Lake
from lakehouse.cdc.order import later

CORRECTED, DELETED = "corrigé", "supprimé"
POSITION = ("op", "incarnation", "partition", "offset", "commit_seq", "lsn", "committed_at")


def record(lake: Lake, contract: Contract, refused: DataFrame) -> None:
    """Add the refused changes that are not in it yet."""
    entries = refused.select(
        F.lit(contract.table).alias("table_name"),
        _key(contract, refused),
        F.col("_value").alias("value"),
        F.col("_reasons").alias("reasons"),
        *(F.col(f"_{name}").alias(name) for name in POSITION),
        F.lit(None).cast("timestamp").alias("closed_at"),
        F.lit(None).cast("string").alias("closed_by"),
    )
    there = lake.quarantine().where(F.col("table_name") == contract.table)
    lake.append(entries.join(there, ["incarnation", "partition", "offset"], "anti"), "silver", "quarantine")


def close(lake: Lake, contract: Contract, settled: DataFrame) -> None:
    """Close the open entries of keys that a later change put or deleted (`settled`, one change a key)."""
    if not lake.catalog.has_open_refusals(contract):
        return
    changes = settled.withColumn("key", _key(contract, settled))
    stands = f"t.table_name = '{contract.table}' AND t.closed_at IS NULL AND t.key = s.key"
    by = F.when(F.col("s._op") == DELETE, DELETED).otherwise(CORRECTED)
    (
        lake.table("silver", "quarantine")
        .alias("t")
        .merge(changes.alias("s"), stands)
        .whenMatchedUpdate(later("s._", "t."), set={"closed_at": F.col("s._committed_at"), "closed_by": by})
        .execute()
    )


def forget(lake: Lake, contract: Contract) -> None:
    """Take out a table's entries, before they are found again from Bronze."""
    lake.table("silver", "quarantine").delete(F.col("table_name") == contract.table)


def _key(contract: Contract, rows: DataFrame) -> Column:
    return F.to_json(F.struct(*(rows[name] for name in contract.key))).alias("key")
