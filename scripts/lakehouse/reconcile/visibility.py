"""Silver as one of Postgres's snapshots sees it: without what was committed after the snapshot was taken."""

from dataclasses import dataclass

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from lakehouse.cdc.contract import Contract
from lakehouse.cdc.lake import Lake
from lakehouse.cdc.merge.enrichment import materialize
from lakehouse.cdc.time_travel import replay
from lakehouse.reconcile.mvcc_snapshot import Snapshot

# A transaction's number as the log has it: the last 32 bits, and the half of their circle that lies ahead is later.
XID_WRAPAROUND = 2**32


@dataclass(frozen=True)
class VisibleRows:
    """Rows that the snapshot and Silver should have alike, and the keys whose last row there was refused."""

    rows: DataFrame
    refused: DataFrame


def visible_rows(lake: Lake, contract: Contract, snapshot: Snapshot) -> VisibleRows:
    """Give Silver's rows, but for keys that changed after the snapshot their versions of before."""
    key = [*contract.key]
    changes = lake.versions(contract).where(F.col("_op").isNotNull()).dropna(subset=key)
    changes = changes.withColumn("_seen", is_visible(snapshot))
    replayed_keys = materialize(
        changes.where(~F.col("_seen") | (F.size("_reasons") > 0))
        .groupBy(*key)
        .agg((~F.every("_seen")).alias("_changed_since"))
    )
    replayed = materialize(
        replay(changes.where("_seen").join(replayed_keys.select(*key), key, "semi"), contract).join(replayed_keys, key)
    )
    refused = replayed.where(F.size("_reasons") > 0).select(*key)
    unchanged = lake.silver(contract).join(replayed_keys.where("_changed_since"), key, "anti").select(*contract.columns)
    rows_before = replayed.where("_changed_since").select(*contract.columns)
    return VisibleRows(unchanged.unionByName(rows_before).join(refused, key, "anti"), refused)


def is_visible(snapshot: Snapshot) -> Column:
    """Say of a change whether the snapshot sees it.

    What Debezium read by a snapshot of its own shows what was committed up to its place in the log.
    """
    xid_distance = F.pmod(F.col("_tx_id") - snapshot.xmax % XID_WRAPAROUND, F.lit(XID_WRAPAROUND))
    in_progress = F.col("_tx_id").isin(*(xid % XID_WRAPAROUND for xid in snapshot.xip))
    # Only near the snapshot do these numbers tell which came first.
    is_streamed_visible = (F.col("_lsn") < snapshot.min_restart_lsn) | (
        ~in_progress & (xid_distance >= XID_WRAPAROUND // 2)
    )
    is_snapshot_read = (F.col("_op") == "r") | F.col("_tx_id").isNull() | F.col("_commit_seq").isNull()
    return F.when(is_snapshot_read, F.coalesce("_commit_seq", "_lsn") <= snapshot.wal_lsn).otherwise(
        is_streamed_visible
    )
