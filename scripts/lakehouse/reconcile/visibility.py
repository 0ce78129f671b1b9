"""Silver as a Postgres snapshot sees it: without changes committed after the snapshot, and without refused keys."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import reduce

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from lakehouse.cdc import table_stats
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
class ComparableRows:
    """Rows that must be equal in Postgres and Silver, and the keys that are left out of both; None is no key.

    `rows` returns the rows: looking a table up costs Spark time that few comparisons need.
    """

    rows: Callable[[], DataFrame]
    left_out: DataFrame | None


@dataclass(frozen=True)
class DeviatingKeys:
    """Keys whose rows may rightly differ: those changed after the snapshot, and those refused; None is no key."""

    later: DataFrame | None
    refused: DataFrame | None


def deviating_keys(lake: Lake, contract: Contract, snapshot: Snapshot) -> DeviatingKeys:
    """Return the keys whose rows in Silver may differ from the snapshot's; without any, no row is read."""
    return DeviatingKeys(_changed_after(lake, contract, snapshot), _refused(lake, contract))


def visible_rows(lake: Lake, contract: Contract, snapshot: Snapshot, keys: DeviatingKeys) -> ComparableRows:
    """Return Silver's rows with later changes undone; keys whose latest visible version was refused are left out."""
    if keys.later is None:
        return settled_rows(lake, contract, keys)
    key, later = [*contract.key], F.broadcast(keys.later)
    visible = _changes(lake, contract).where(is_visible(snapshot)).join(later, key, "semi")
    before = materialize(latest_versions(visible, contract))
    is_refused = F.size("_reasons") > 0
    refused = _union(_without(keys.refused, keys.later), before.where(is_refused).select(*key))
    rows = _stored_rows(lake, contract).join(later, key, "anti")
    undone = before.where(~is_refused & is_upsert()).select(*contract.columns)
    return ComparableRows(lambda: _without_keys(rows.unionByName(undone), refused), refused)


def settled_rows(lake: Lake, contract: Contract, keys: DeviatingKeys) -> ComparableRows:
    """Return Silver's rows without any deviating key: of a long table, undoing changes would read all versions."""
    left_out = _union(keys.later, keys.refused)
    return ComparableRows(lambda: _without_keys(_stored_rows(lake, contract), left_out), left_out)


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


def _changed_after(lake: Lake, contract: Contract, snapshot: Snapshot) -> DataFrame | None:
    # Files of visible changes alone are not read. Without writers, none are left.
    if table_stats.max_merged_lsn(lake.store, contract) < snapshot.visible_lsn:
        return None
    is_near = (F.col("_lsn") >= snapshot.visible_lsn) | (F.col("_last_commit_lsn") >= snapshot.visible_lsn)
    later = _changes(lake, contract).where(is_near & ~is_visible(snapshot))
    return _keys(later.select(*contract.key))


def _refused(lake: Lake, contract: Contract) -> DataFrame | None:
    """Return the keys whose latest change was refused: those with an open entry in the quarantine."""
    if not table_stats.has_open_quarantine(lake.store, contract):
        return None
    is_open = (F.col("table_name") == contract.table) & F.col("resolved_at").isNull() & F.col("op").isNotNull()
    key_ddl = ", ".join(f"`{name}` {contract.columns[name]}" for name in contract.key)
    keys = lake.quarantine().where(is_open).select(F.from_json("key", key_ddl).alias("key"))
    return _keys(keys.select("key.*").dropna())


def _changes(lake: Lake, contract: Contract) -> DataFrame:
    return lake.versions(contract).where(F.col("_op").isNotNull()).dropna(subset=[*contract.key])


def _keys(rows: DataFrame) -> DataFrame | None:
    keys = materialize(rows.distinct())
    return None if keys.isEmpty() else keys


def _stored_rows(lake: Lake, contract: Contract) -> DataFrame:
    return lake.silver(contract).select(*contract.columns)


def _without(keys: DataFrame | None, others: DataFrame) -> DataFrame | None:
    return None if keys is None else _without_keys(keys, others)


def _without_keys(rows: DataFrame, keys: DataFrame | None) -> DataFrame:
    return rows if keys is None else rows.join(F.broadcast(keys), keys.columns, "anti")


def _union(*keys: DataFrame | None) -> DataFrame | None:
    frames = [one for one in keys if one is not None]
    return reduce(DataFrame.unionByName, frames).distinct() if frames else None
