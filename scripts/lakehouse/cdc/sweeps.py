"""Rows that go without a message of their own: those a TRUNCATE finds, and those a snapshot no longer finds.

A first snapshot that was cut off is read again from the beginning, and Debezium never tells of a row that was
deleted in between. So once one has been read to its end, what only older messages know is gone. Other snapshots
(incremental, blocking) may be partial and say nothing of the rows they leave out; their rows have a commit before
them, a first snapshot's have none.
"""

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from lakehouse.cdc.contract import Contract
from lakehouse.cdc.envelope import DELETE, TRUNCATE, UPSERTS, no_names
from lakehouse.cdc.order import is_after, ranked
from lakehouse.cdc.tables import ORIGIN


def sweep(changes: DataFrame, versions: DataFrame, contract: Contract) -> DataFrame:
    """Add a delete for each row that goes so, at the place of what swept it away; `versions` know the rows before."""
    key = [*contract.key]
    sweeps = changes.where(sweeping()).agg(
        F.collect_list(F.struct("_order", *ORIGIN, snapshot().alias("_snapshot"))).alias("_sweeps")
    )
    known = changes.select(*ORIGIN, *key).unionByName(versions.select(*ORIGIN, *key)).dropna(subset=key)
    life = Window.partitionBy(*key).orderBy("_order")
    told = ranked(known.where(F.col("_op").isNotNull()), key)
    rows = told.withColumns({"_next": F.lead("_order").over(life), "_snapshot": snapshot()})
    swept = rows.where(F.col("_op").isin(*UPSERTS)).crossJoin(F.broadcast(sweeps)).withColumn("_by", _first_after())
    gone = swept.where(F.col("_next").isNull() | is_after(F.col("_next"), F.col("_by._order")))
    origin = (F.col(f"_by.{name}").alias(name) for name in ORIGIN if name != "_op")
    arrays = (no_names().alias(name) for name in ("_reasons", "_unchanged", "_beyond", "_misfits", "_missing"))
    deletes = gone.where(F.col("_by").isNotNull()).select(
        F.lit(DELETE).alias("_op"), *origin, "_by._order", *key, *arrays, F.lit(False).alias("_ends_snapshot")
    )
    # What swept stays as it is: every message leaves a trace in the versions.
    return changes.unionByName(deletes, allowMissingColumns=True)


def sweeping() -> Column:
    """Say whether a change sweeps others away."""
    return (F.col("_op") == TRUNCATE) | (F.col("_ends_snapshot") & snapshot().isNotNull())


def snapshot() -> Column:
    """Give the first snapshot that a row was read by, named by its LSN."""
    return F.when((F.col("_op") == "r") & F.col("_commit_seq").isNull(), F.col("_lsn"))


def _first_after() -> Column:
    """Give the first sweep after a row that does not spare it; a snapshot spares what it found."""
    spared = F.coalesce(F.col("_snapshot"), F.lit(-1))
    return F.array_min(
        F.filter(
            "_sweeps",
            lambda sweep: is_after(sweep["_order"], F.col("_order")) & ~sweep["_snapshot"].eqNullSafe(spared),
        )
    )
