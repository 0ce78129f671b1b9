"""Silver as a Postgres snapshot sees it: without changes committed after the snapshot."""

from dataclasses import dataclass

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from lakehouse.cdc.contract import Contract
from lakehouse.cdc.lake import Lake
from lakehouse.cdc.merge.predicates import is_upsert
from lakehouse.cdc.time_travel import latest_versions
from lakehouse.reconcile.mvcc_snapshot import Snapshot
from lakehouse.spark.literals import lit
from lakehouse.spark.materialize import materialize

# Debezium's source.txId has the low 32 bits of a transaction id. Ids up to 2^31 ahead, modulo 2^32, are later.
XID_WRAPAROUND = 2**32


@dataclass(frozen=True)
class VisibleRows:
    """Rows that must be equal in Postgres and Silver, and the keys whose latest visible change was refused."""

    rows: DataFrame
    refused: DataFrame


def visible_rows(lake: Lake, contract: Contract, snapshot: Snapshot) -> VisibleRows:
    """Return Silver's rows; keys changed after the snapshot have their latest version visible to it."""
    key = [*contract.key]
    changes = lake.versions(contract).where(F.col("_op").isNotNull()).dropna(subset=key)
    changes = changes.withColumn("_seen", is_visible(snapshot))
    replayed_keys = materialize(
        changes.where(~F.col("_seen") | (F.size("_reasons") > 0))
        .groupBy(*key)
        .agg((~F.every("_seen")).alias("_changed_since"))
    )
    latest = materialize(
        latest_versions(changes.where("_seen").join(replayed_keys.select(*key), key, "semi"), contract).join(
            replayed_keys, key
        )
    )
    refused = latest.where(F.size("_reasons") > 0).select(*key)
    unchanged = lake.silver(contract).join(replayed_keys.where("_changed_since"), key, "anti").select(*contract.columns)
    rows_before = latest.where("_changed_since").where(is_upsert()).select(*contract.columns)
    return VisibleRows(unchanged.unionByName(rows_before).join(refused, key, "anti"), refused)


def is_visible(snapshot: Snapshot) -> Column:
    """Return whether the snapshot sees a change.

    A row that Debezium read in a snapshot of its own has no transaction; its commit LSN, or else its LSN, decides.
    """
    xid_distance = F.pmod(F.col("_tx_id") - snapshot.xmax % XID_WRAPAROUND, lit(XID_WRAPAROUND))
    in_progress = F.col("_tx_id").isin(*(xid % XID_WRAPAROUND for xid in snapshot.xip))
    # Transaction ids order only changes near the snapshot; older ones are recognized by their LSN.
    is_streamed_visible = (F.col("_lsn") < snapshot.min_restart_lsn) | (
        ~in_progress & (xid_distance >= XID_WRAPAROUND // 2)
    )
    is_snapshot_read = (F.col("_op") == "r") | F.col("_tx_id").isNull() | F.col("_last_commit_lsn").isNull()
    return F.when(is_snapshot_read, F.coalesce("_last_commit_lsn", "_lsn") <= snapshot.wal_lsn).otherwise(
        is_streamed_visible
    )
