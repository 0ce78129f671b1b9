"""Silver as one of Postgres's snapshots sees it: without what was committed after the snapshot was taken."""

from dataclasses import dataclass

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from lakehouse.cdc.completion import computed
from lakehouse.cdc.contract import Contract
from lakehouse.cdc.history import replay
from lakehouse.cdc.lake import Lake
from lakehouse.reconcile.snapshot import Snapshot

# A transaction's number as the log has it: the last 32 bits, and the half of their circle that lies ahead is later.
CIRCLE = 2**32


@dataclass(frozen=True)
class Seen:
    """Rows that the snapshot and Silver should have alike, and the keys whose last row there was refused."""

    rows: DataFrame
    refused: DataFrame


def as_seen(lake: Lake, contract: Contract, snapshot: Snapshot) -> Seen:
    """Give Silver's rows, but for keys that changed after the snapshot their versions of before."""
    key = [*contract.key]
    changes = lake.versions(contract).where(F.col("_op").isNotNull()).dropna(subset=key)
    changes = changes.withColumn("_seen", sees(snapshot))
    touched = computed(
        changes.where(~F.col("_seen") | (F.size("_reasons") > 0))
        .groupBy(*key)
        .agg((~F.every("_seen")).alias("_changed_since"))
    )
    past = computed(replay(changes.where("_seen").join(touched.select(*key), key, "semi"), contract).join(touched, key))
    refused = past.where(F.size("_reasons") > 0).select(*key)
    unchanged = lake.silver(contract).join(touched.where("_changed_since"), key, "anti").select(*contract.columns)
    before = past.where("_changed_since").select(*contract.columns)
    return Seen(unchanged.unionByName(before).join(refused, key, "anti"), refused)


def sees(snapshot: Snapshot) -> Column:
    """Say of a change whether the snapshot sees it.

    What Debezium read by a snapshot of its own shows what was committed up to its place in the log.
    """
    ahead = F.pmod(F.col("_tx_id") - snapshot.upcoming % CIRCLE, F.lit(CIRCLE))
    running = F.col("_tx_id").isin(*(xid % CIRCLE for xid in snapshot.running))
    # Only near the snapshot do these numbers tell which came first.
    streamed = (F.col("_lsn") < snapshot.settled) | (~running & (ahead >= CIRCLE // 2))
    read = (F.col("_op") == "r") | F.col("_tx_id").isNull() | F.col("_commit_seq").isNull()
    return F.when(read, F.coalesce("_commit_seq", "_lsn") <= snapshot.wal).otherwise(streamed)
