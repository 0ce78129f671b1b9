"""Removal of duplicates from Bronze: one row of each offset stays (law 1).

Bronze is append-only. A repair lifts that for its own commits, under the stream's lease.
"""

from collections.abc import Sequence

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from lakehouse import logs
from lakehouse.cdc import commit_log
from lakehouse.cdc.commit_log import REFILL_APP_ID
from lakehouse.cdc.contract import Contract
from lakehouse.cdc.lake import Lake
from lakehouse.cdc.offsets import Duplicate, Offsets
from lakehouse.spark.literals import lit

POSITION = ("incarnation", "partition", "offset")
# What a message is; two reads of it differ in `ingested_at` alone.
MESSAGE = ("key", "value", "kafka_timestamp")
MAX_DUPLICATES_PER_COMMIT = 50  # each is a condition of its own


def remove_duplicates(
    lake: Lake, contract: Contract, duplicates: Sequence[Duplicate], earliest_offsets: Offsets
) -> None:
    """Remove all rows but one of each duplicate offset from Bronze.

    Where the rows of an offset are different messages, none is known to be right: all go, and the offset becomes a gap
    to refill from the topic. Where the topic no longer has it, by `earliest_offsets`, the first one that was read
    stays. Each commit carries the next refill number, by which Silver is rebuilt.
    """
    if not duplicates:
        return
    lake.store.set_append_only("bronze", contract.table, False)
    try:
        for n in range(0, len(duplicates), MAX_DUPLICATES_PER_COMMIT):
            listed = duplicates[n : n + MAX_DUPLICATES_PER_COMMIT]
            predicate = " OR ".join(map(_predicate, listed))
            rows = distinct_rows(lake.read("bronze", contract.table).where(predicate), earliest_offsets)
            number = commit_log.refill_count(lake.store, contract) + 1
            transaction = {"txnAppId": REFILL_APP_ID, "txnVersion": str(number)}
            lake.overwrite_where(rows, "bronze", contract.table, predicate, **transaction)
            offsets = "; ".join(map(str, listed))
            logs.logger("bronze").warning("duplicates_removed", table=contract.table, offsets=offsets)
    finally:
        lake.store.set_append_only("bronze", contract.table, True)


def distinct_rows(rows: DataFrame, earliest_offsets: Offsets) -> DataFrame:
    """Return one of Bronze's rows per offset, none where they differ and the topic still has the offset."""
    same_offset = Window.partitionBy(*POSITION)
    fingerprint = F.xxhash64(*MESSAGE)
    marked = rows.withColumns(
        {
            "_number": F.row_number().over(same_offset.orderBy("ingested_at")),
            "_differs": F.min(fingerprint).over(same_offset) != F.max(fingerprint).over(same_offset),
        }
    )
    stays = (F.col("_number") == 1) & ~(F.col("_differs") & _is_in_topic(earliest_offsets))
    return marked.where(stays).drop("_number", "_differs")


def _is_in_topic(earliest_offsets: Offsets) -> Column:
    condition = lit(False)
    for (incarnation, partition), earliest in earliest_offsets.items():
        condition |= (
            (F.col("incarnation") == incarnation) & (F.col("partition") == partition) & (F.col("offset") >= earliest)
        )
    return condition


def _predicate(duplicate: Duplicate) -> str:
    (incarnation, partition), first, last = duplicate
    return f"(incarnation = {incarnation} AND partition = {partition} AND offset BETWEEN {first} AND {last})"
