"""Bronze: every message of a topic, raw, exactly once.

Each start of a stream reads the table's own last offsets and continues after them, with a new checkpoint. So no
checkpoint can be lost or contradict the table. A batch is a blind append, which reads nothing of the table. It has to
start at the expected offset, and its commit is read back from the log.
"""

import json
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import Future
from functools import reduce
from typing import Any

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F
from pyspark.sql.streaming.query import StreamingQuery

from lakehouse import logs
from lakehouse.cdc import commit_log
from lakehouse.cdc.commit_log import REFILL_APP_ID
from lakehouse.cdc.contract import Contract
from lakehouse.cdc.foreign_commits import check_table
from lakehouse.cdc.lake import Lake
from lakehouse.cdc.maintenance import checkpoint_log
from lakehouse.cdc.offsets import Gap
from lakehouse.cdc.source_identity import Source, StartingOffsets, bronze_gaps, resolve_starting_offsets
from lakehouse.errors import LakehouseError
from lakehouse.spark.literals import lit

ENVELOPE_SCHEMA = """
    op STRING,
    source STRUCT<sequence: STRING, lsn: BIGINT, txId: BIGINT, ts_us: BIGINT, ts_ms: BIGINT, snapshot: STRING>
"""
# Debezium writes the row first, then `source` and `op`. No string in JSON can contain these characters: its quotes
# would be escaped.
SOURCE_FIELD, OP_FIELD = '"source":{', ',"op":"'
# In stream.conf, followed by a table's name: the trigger interval of its stream. The default starts a batch as soon as
# the one before has ended.
TRIGGER_INTERVAL_CONF, DEFAULT_TRIGGER = "spark.lakehouse.trigger.interval.", "0 seconds"
MAX_OFFSETS_PER_TRIGGER, MAX_RECORDS_PER_PARTITION = 200_000, 50_000  # messages
# Delta validates its log at each commit once 400 commits have no checkpoint.
CHECKPOINT_EVERY_N_BATCHES = 300
MAX_GAPS_PER_COMMIT = 50  # each gap is a scan of its own


def to_bronze_rows(messages: DataFrame, incarnation: int) -> DataFrame:
    """Return Bronze's rows for messages of Spark's Kafka source; `op` is NULL where a message cannot be decoded."""
    source = F.col("_envelope.source")
    # The row is several times as long as `source` and `op`: the whole message is parsed only where these two do not
    # end it in Debezium's order.
    message_json, envelope_tail = F.col("value"), F.substring_index("value", SOURCE_FIELD, -1)
    is_debezium_order = (envelope_tail != message_json) & envelope_tail.contains(OP_FIELD)
    envelope_json = F.when(is_debezium_order, F.concat(lit("{" + SOURCE_FIELD), envelope_tail)).otherwise(message_json)
    return (
        messages.withColumn("value", F.col("value").cast("string"))
        .withColumn("_envelope", F.from_json(envelope_json, ENVELOPE_SCHEMA))
        .select(
            "_envelope.op",
            F.col("key").cast("string").alias("key"),
            "value",
            _extract_bigint(r'^\["(\d+)"', source.sequence).alias("last_commit_lsn"),
            F.coalesce(source.lsn, _extract_bigint(r'"(\d+)"\]$', source.sequence)).alias("lsn"),
            source.txId.alias("tx_id"),
            F.timestamp_micros(F.coalesce(source.ts_us, source.ts_ms * 1000)).alias("committed_at"),
            (F.coalesce(source.snapshot, lit("false")) != "false").alias("is_snapshot"),
            "topic",
            lit(incarnation).alias("incarnation"),
            "partition",
            "offset",
            F.col("timestamp").alias("kafka_timestamp"),
            # Spark's current_timestamp() is another literal in each batch, for which Spark compiles new code.
            F.timestamp_millis(F.expr("bigint(java_method('java.lang.System', 'currentTimeMillis'))")).alias(
                "ingested_at"
            ),
        )
    )


def _extract_bigint(pattern: str, text: Column) -> Column:
    return F.regexp_extract(text, pattern, 1).try_cast("bigint")


class BatchWriter:
    """Writer of a stream's batches to its Bronze table, which checks that none is skipped, repeated or lost."""

    def __init__(self, lake: Lake, contract: Contract, starting_offsets: StartingOffsets) -> None:
        self._lake = lake
        self._contract = contract
        self._next_offsets = dict(starting_offsets.by_partition)
        self._commit_check = lake.commit_check("bronze", contract.table)
        self.query: Future[StreamingQuery] = Future()

    def append(self, batch: DataFrame, batch_id: int) -> None:
        """Append the batch in one commit.

        Raises LakehouseError before the commit where the batch does not start at the expected offset. Raises it after
        the commit where the log does not have this commit with all messages of the batch. A stream that fails here
        restarts from the offsets in the table.
        """
        start_offsets, end_offsets = planned_offsets(self.query.result(), self._contract.topic)
        start_offsets = {**dict.fromkeys(end_offsets, 0), **start_offsets}  # a new partition starts at 0
        self._ensure_contiguous(start_offsets)
        # A query's first batch is empty where no message is new, and Delta does not commit an empty batch.
        if expected_rows := sum(end - start_offsets[partition] for partition, end in end_offsets.items()):
            stamp = self._lake.append(batch, "bronze", self._contract.table)
            self._commit_check.ensure_committed(stamp, expected_rows)
        self._next_offsets |= end_offsets
        if batch_id % CHECKPOINT_EVERY_N_BATCHES == 0:
            check_table(self._lake.store, "bronze", self._contract.table)  # before its commits leave the log
            checkpoint_log(self._lake.store.path("bronze", self._contract.table))

    def _ensure_contiguous(self, start_offsets: Mapping[int, int]) -> None:
        for partition, start in start_offsets.items():
            expected = self._next_offsets.get(partition, 0)
            if start != expected:
                raise LakehouseError(
                    f"a batch of {self._contract.topic}, partition {partition} begins at offset {start}, and the one "
                    f"to follow is {expected}: the batch was not written, and the stream restarts from the table."
                )


def planned_offsets(query: StreamingQuery, topic: str) -> tuple[Mapping[int, int], Mapping[int, int]]:
    """Return the start and the end (exclusive) offsets of the query's current batch, by partition of its one topic."""
    execution: Any = query._jsq.streamingQuery()  # noqa: SLF001 - PySpark reports offsets only after the batch
    starts, ends = execution.getStartOffsetsOfLatestBatch(), execution.availableOffsets()
    # No batch precedes the first one: it starts at the initial offsets of its source.
    start = ends.head()._1().initialOffset() if starts.isEmpty() else starts.head()._2()  # noqa: SLF001 - a Scala tuple
    return _offsets_by_partition(start, topic), _offsets_by_partition(ends.head()._2(), topic)  # noqa: SLF001


def _offsets_by_partition(offset: Any, topic: str) -> Mapping[int, int]:
    by_topic: Mapping[str, Mapping[str, int]] = json.loads(offset.json())
    return {int(partition): next_offset for partition, next_offset in by_topic[topic].items()}


def start_stream(
    lake: Lake, contract: Contract, kafka: Mapping[str, str], starting_offsets: StartingOffsets
) -> StreamingQuery:
    """Fill the gaps of the topic's Bronze table, then start the stream that appends new messages to it.

    `kafka` has the options by which Spark's source finds Kafka and logs in.
    """
    refill(lake, contract, kafka, starting_offsets)
    writer = BatchWriter(lake, contract, starting_offsets)
    messages = (
        lake.spark.readStream.format("kafka")
        .options(**kafka)
        .option("subscribe", contract.topic)
        .option("startingOffsets", json.dumps({contract.topic: starting_offsets.by_partition}))
        .option("maxOffsetsPerTrigger", MAX_OFFSETS_PER_TRIGGER)
        .option("maxRecordsPerPartition", MAX_RECORDS_PER_PARTITION)
        .option("failOnDataLoss", "true")
        # Kafka's default is 500 ms, and every small batch waits for all of it.
        .option("kafka.fetch.max.wait.ms", "10")
        .load()
    )
    # Analysed once for all batches: in each batch, the analysis of the same plan costs half a second.
    bronze_rows = to_bronze_rows(messages, starting_offsets.incarnation)
    trigger_interval = lake.spark.sparkContext.getConf().get(
        f"{TRIGGER_INTERVAL_CONF}{contract.table}", DEFAULT_TRIGGER
    )
    # Without a checkpoint location Spark creates a temporary one, and deletes it at the end.
    stream_writer = (
        bronze_rows.writeStream.queryName(contract.table)
        .foreachBatch(writer.append)
        .trigger(processingTime=trigger_interval)
    )
    query = stream_writer.start()
    writer.query.set_result(query)
    return query


def refill(lake: Lake, contract: Contract, kafka: Mapping[str, str], starting_offsets: StartingOffsets) -> int:
    """Append to Bronze the messages of its gaps that the topic still has, and return how many there were.

    Each commit carries the next refill number (`txnVersion`), by which Silver notices that it must be rebuilt. The
    number is read before the gaps: of two processes that fill the same gap, Delta lets only the first one commit.
    Raises LakehouseError where one of these gaps remains.
    """
    if not starting_offsets.gaps:
        return 0
    refill_number, still_open = commit_log.refill_count(lake.store, contract), {*bronze_gaps(lake.store, contract)}
    open_gaps = [gap for gap in starting_offsets.gaps if gap in still_open]
    commit_check, message_count = lake.commit_check("bronze", contract.table), 0
    for n in range(0, len(open_gaps), MAX_GAPS_PER_COMMIT):
        gaps, refill_number = open_gaps[n : n + MAX_GAPS_PER_COMMIT], refill_number + 1
        messages = reduce(DataFrame.unionByName, (_read_gap(lake, contract, kafka, gap) for gap in gaps))
        transaction = {"txnAppId": REFILL_APP_ID, "txnVersion": str(refill_number)}
        bronze_rows = to_bronze_rows(messages, starting_offsets.incarnation)
        expected_rows = sum(len(gap.offsets) for gap in gaps)
        stamp = lake.append(bronze_rows, "bronze", contract.table, **transaction)
        commit_check.ensure_committed(stamp, expected_rows)
        message_count += expected_rows
        logs.logger("bronze").warning("gap_refilled", table=contract.table, offsets="; ".join(map(str, gaps)))
    if remaining_gaps := [gap for gap in bronze_gaps(lake.store, contract) if gap in open_gaps]:
        raise LakehouseError(f"bronze/{contract.table} still has a gap after its refill: {remaining_gaps[0]}.")
    return message_count


def refill_gaps(
    lake: Lake,
    contracts: Iterable[Contract],
    kafka: Mapping[str, str],
    identify: Callable[[Iterable[Contract]], Source],
) -> None:
    """Fill the gaps of the Bronze tables from their topics; only a table with a gap needs its source.

    `identify` reads the source's identity. A gap that cannot be filled stays, and is logged with the reason: it
    concerns its own table alone, and offset_check reports it.
    """
    for contract in contracts:
        if bronze_gaps(lake.store, contract):
            try:
                refill(lake, contract, kafka, resolve_starting_offsets(lake.store, identify([contract]), contract))
            except LakehouseError as error:
                logs.logger("bronze").error("gap_not_refilled", table=contract.table, reason=str(error))


def _read_gap(lake: Lake, contract: Contract, kafka: Mapping[str, str], gap: Gap) -> DataFrame:
    """Return the messages of a gap, as Kafka's batch source delivers them."""
    partition = str(gap.topic_partition.partition)
    return (
        lake.spark.read.format("kafka")
        .options(**kafka)
        .option("assign", json.dumps({contract.topic: [gap.topic_partition.partition]}))
        .option("startingOffsets", json.dumps({contract.topic: {partition: gap.first}}))
        .option("endingOffsets", json.dumps({contract.topic: {partition: gap.last + 1}}))
        .option("failOnDataLoss", "true")
        .load()
    )
