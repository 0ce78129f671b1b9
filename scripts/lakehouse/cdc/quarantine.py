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
    same = (
        f"t.table_name = '{contract.table}' AND t.incarnation = s.incarnation "
        "AND t.partition = s.partition AND t.offset = s.offset"
    )
    lake.table("silver", "quarantine").alias("t").merge(entries.alias("s"), same).whenNotMatchedInsertAll().execute()


def close(lake: Lake, contract: Contract, settled: DataFrame) -> None:
    """Close the open entries of keys that a later change put or deleted (`settled`, one change a key)."""
    if not lake.catalog.has_open_refusals(contract):
        return
    open_entry = f"t.table_name = '{contract.table}' AND t.closed_at IS NULL AND t.key = s.key"
    changes = settled.select(_key(contract, settled), *(f"_{name}" for name in POSITION))
    position = F.struct(*(F.col(f"t.{name}").alias(f"_{name}") for name in POSITION))
    entries = lake.quarantine().where((F.col("table_name") == contract.table) & F.col("closed_at").isNull())
    closing = (
        entries.alias("t")
        .join(changes.alias("s"), "key")
        .withColumn("entry", position)
        .where(later("s", "entry"))
        .select("key", *(f"t.{name}" for name in POSITION[1:4]), "s._op", "s._committed_at")
    )
    same = f"{open_entry} AND t.incarnation = s.incarnation AND t.partition = s.partition AND t.offset = s.offset"
    by = F.when(F.col("s._op") == DELETE, DELETED).otherwise(CORRECTED)
    lake.table("silver", "quarantine").alias("t").merge(closing.alias("s"), same).whenMatchedUpdate(
        set={"closed_at": F.col("s._committed_at"), "closed_by": by}
    ).execute()


def forget(lake: Lake, contract: Contract) -> None:
    """Take out a table's entries, before they are found again from Bronze."""
    lake.table("silver", "quarantine").delete(F.col("table_name") == contract.table)


def _key(contract: Contract, rows: DataFrame) -> Column:
    return F.to_json(F.struct(*(rows[name] for name in contract.key))).alias("key")
