"""Bronze: every message of a topic, raw, exactly once.

The table's own last offsets are the only memory: each start of a flow reads them and begins behind them with a
new checkpoint, so that a checkpoint can neither be lost nor disagree. A batch is a blind append, without a look
into the table's past; it has to follow the one before, and is looked for in the log afterwards.
"""

import json
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import Future
from functools import reduce
from typing import Any
from uuid import uuid4

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F
from pyspark.sql.streaming.query import StreamingQuery

from lakehouse import logs
from lakehouse.cdc.catalog import REFILL_APP_ID
from lakehouse.cdc.contract import Contract
from lakehouse.cdc.lake import Lake
from lakehouse.cdc.maintenance import checkpoint_log
from lakehouse.cdc.offsets import Gap
from lakehouse.cdc.source_identity import Source, StartingOffsets, bronze_gaps, resolve_starting_offsets
from lakehouse.errors import LakehouseError

ENVELOPE_SCHEMA = """
    op STRING,
    source STRUCT<sequence: STRING, lsn: BIGINT, txId: BIGINT, ts_us: BIGINT, ts_ms: BIGINT, snapshot: STRING>
"""
# Debezium writes the row first, and last where it came from and what was done. No text in JSON can hold these
# characters, whose quotes would be escaped.
SOURCE_FIELD, OP_FIELD = '"source":{', ',"op":"'
# Before a table's name, in stream.conf: how often its topic is looked at. Without it, as often as can be.
TRIGGER_INTERVAL_CONF, DEFAULT_TRIGGER = "spark.lakehouse.trigger.interval.", "0 seconds"
MAX_OFFSETS_PER_TRIGGER, MAX_RECORDS_PER_PARTITION = 200_000, 50_000  # messages
# Batches. From 400 commits without a checkpoint on, Delta validates its log at each.
CHECKPOINT_EVERY_N_BATCHES = 300
MAX_GAPS_PER_COMMIT = 50  # gaps in a commit, each a scan of its own


def to_bronze_rows(messages: DataFrame, incarnation: int) -> DataFrame:
    """Give Bronze's rows for messages as Spark's Kafka source delivers them; `op` is NULL where none can be read."""
    source = F.col("_envelope.source")
    # A row is several times as long as what is asked for here: the message is parsed whole only where its end is not
    # as Debezium writes it.
    message_json, envelope_tail = F.col("value"), F.substring_index("value", SOURCE_FIELD, -1)
    is_debezium_order = (envelope_tail != message_json) & envelope_tail.contains(OP_FIELD)
    envelope_json = F.when(is_debezium_order, F.concat(F.lit("{" + SOURCE_FIELD), envelope_tail)).otherwise(
        message_json
    )
    return (
        messages.withColumn("value", F.col("value").cast("string"))
        .withColumn("_envelope", F.from_json(envelope_json, ENVELOPE_SCHEMA))
        .select(
            "_envelope.op",
            F.col("key").cast("string").alias("key"),
            "value",
            _extract_bigint(r'^\["(\d+)"', source.sequence).alias("commit_seq"),
            F.coalesce(source.lsn, _extract_bigint(r'"(\d+)"\]$', source.sequence)).alias("lsn"),
            source.txId.alias("tx_id"),
            F.timestamp_micros(F.coalesce(source.ts_us, source.ts_ms * 1000)).alias("committed_at"),
            (F.coalesce(source.snapshot, F.lit("false")) != "false").alias("is_snapshot"),
            "topic",
            F.lit(incarnation).alias("incarnation"),
            "partition",
            "offset",
            F.col("timestamp").alias("kafka_timestamp"),
            # Spark's own current time is another literal in each batch, and code that is compiled anew.
            F.timestamp_millis(F.expr("bigint(java_method('java.lang.System', 'currentTimeMillis'))")).alias(
                "ingested_at"
            ),
        )
    )


def _extract_bigint(pattern: str, text: Column) -> Column:
    return F.regexp_extract(text, pattern, 1).try_cast("bigint")


class BatchWriter:
    """Appends a flow's batches to its Bronze table: each has to follow the one before, and is found in the log."""

    def __init__(self, lake: Lake, contract: Contract, starting_offsets: StartingOffsets) -> None:
        self._lake = lake
        self._contract = contract
        self._next_offsets = dict(starting_offsets.by_partition)
        self._commit_check = lake.commit_check("bronze", contract.table)
        self._run_id = uuid4().hex
        self.query: Future[StreamingQuery] = Future()

    def append(self, batch: DataFrame, batch_id: int) -> None:
        """Write the batch in one commit.

        Raises LakehouseError before it where the batch does not begin at the offset behind the last one written, and
        after it where the log does not hold this commit with all of the batch's messages. A flow that fails here is
        started again from the table, which then tells what it holds.
        """
        start_offsets, end_offsets = planned_offsets(self.query.result(), self._contract.topic)
        start_offsets = {**dict.fromkeys(end_offsets, 0), **start_offsets}  # a partition that is new begins at 0
        self._ensure_contiguous(start_offsets)
        # The first batch of a query has no row where nothing is new, and Delta does not commit one of none.
        if expected_rows := sum(end - start_offsets[partition] for partition, end in end_offsets.items()):
            token = f"{self._run_id}:{batch_id}"
            self._lake.append(batch, "bronze", self._contract.table, userMetadata=token)
            self._commit_check.ensure_committed(token, expected_rows)
        self._next_offsets |= end_offsets
        if batch_id % CHECKPOINT_EVERY_N_BATCHES == 0:
            checkpoint_log(self._lake.catalog.path("bronze", self._contract.table))

    def _ensure_contiguous(self, start_offsets: Mapping[int, int]) -> None:
        for partition, start in start_offsets.items():
            expected = self._next_offsets.get(partition, 0)
            if start != expected:
                raise LakehouseError(
                    f"a batch of {self._contract.topic}, partition {partition} begins at offset {start}, and the one "
                    f"to follow is {expected}: it was not written, and the flow starts again from the table."
                )


def planned_offsets(query: StreamingQuery, topic: str) -> tuple[Mapping[int, int], Mapping[int, int]]:
    """Return from which offset to before which one the query's current batch reads each partition of its one topic."""
    execution: Any = query._jsq.streamingQuery()  # noqa: SLF001 - what Python's query tells comes after the batch
    starts, ends = execution.getStartOffsetsOfLatestBatch(), execution.availableOffsets()
    # The first batch of a query starts where its source does.
    start = ends.head()._1().initialOffset() if starts.isEmpty() else starts.head()._2()  # noqa: SLF001 - a Scala tuple
    return _by_partition(start, topic), _by_partition(ends.head()._2(), topic)  # noqa: SLF001


def _by_partition(offset: Any, topic: str) -> Mapping[int, int]:
    by_topic: Mapping[str, Mapping[str, int]] = json.loads(offset.json())
    return {int(partition): next_offset for partition, next_offset in by_topic[topic].items()}


def start_stream(lake: Lake, contract: Contract, kafka: str, starting_offsets: StartingOffsets) -> StreamingQuery:
    """Fill the gaps of the topic's Bronze table, and start the flow into it."""
    refill(lake, contract, kafka, starting_offsets)
    writer = BatchWriter(lake, contract, starting_offsets)
    messages = (
        lake.spark.readStream.format("kafka")
        .option("kafka.bootstrap.servers", kafka)
        .option("subscribe", contract.topic)
        .option("startingOffsets", json.dumps({contract.topic: starting_offsets.by_partition}))
        .option("maxOffsetsPerTrigger", MAX_OFFSETS_PER_TRIGGER)
        .option("maxRecordsPerPartition", MAX_RECORDS_PER_PARTITION)
        .option("failOnDataLoss", "true")
        # Kafka's default of 500 ms is waited in full by every small batch.
        .option("kafka.fetch.max.wait.ms", "10")
        .load()
    )
    # Analysed once for all batches: made anew in each, the same rows cost half a second.
    bronze_rows = to_bronze_rows(messages, starting_offsets.incarnation)
    trigger_interval = lake.spark.sparkContext.getConf().get(
        f"{TRIGGER_INTERVAL_CONF}{contract.table}", DEFAULT_TRIGGER
    )
    # Without a place for its checkpoint Spark makes one, and takes it away at the end.
    stream_writer = (
        bronze_rows.writeStream.queryName(contract.table)
        .foreachBatch(writer.append)
        .trigger(processingTime=trigger_interval)
    )
    query = stream_writer.start()
    writer.query.set_result(query)
    return query


def refill(lake: Lake, contract: Contract, kafka: str, starting_offsets: StartingOffsets) -> int:
    """Append to Bronze what it lacks and its topic still has, and return how many messages that was.

    The commit counts the refills in the table's log, so that Silver, which has gone past, is begun again. Two who
    fill the same gap at once commit the same count, which is read before the gaps are, and Delta takes only the
    first. Raises LakehouseError where a gap is still there afterwards.
    """
    if not starting_offsets.gaps:
        return 0
    refills, still_open = lake.catalog.refill_count(contract), {*bronze_gaps(lake.catalog, contract)}
    open_gaps = [gap for gap in starting_offsets.gaps if gap in still_open]
    commit_check, refilled_count = lake.commit_check("bronze", contract.table), 0
    for n in range(0, len(open_gaps), MAX_GAPS_PER_COMMIT):
        gaps, token, refills = open_gaps[n : n + MAX_GAPS_PER_COMMIT], uuid4().hex, refills + 1
        messages = reduce(DataFrame.unionByName, (_read_gap(lake, contract, kafka, gap) for gap in gaps))
        transaction = {"txnAppId": REFILL_APP_ID, "txnVersion": str(refills)}
        refilled_rows, expected_rows = (
            to_bronze_rows(messages, starting_offsets.incarnation),
            sum(gap.last - gap.first + 1 for gap in gaps),
        )
        lake.append(refilled_rows, "bronze", contract.table, userMetadata=token, **transaction)
        commit_check.ensure_committed(token, expected_rows)
        refilled_count += expected_rows
        logs.logger("bronze").warning("gap_refilled", table=contract.table, offsets="; ".join(map(str, gaps)))
    if remaining_gaps := bronze_gaps(lake.catalog, contract):
        raise LakehouseError(
            f"bronze/{contract.table} still lacks offsets after they were filled in: {remaining_gaps[0]}."
        )
    return refilled_count


def refill_gaps(
    lake: Lake, contracts: Iterable[Contract], kafka: str, identify: Callable[[Iterable[Contract]], Source]
) -> None:
    """Fill the gaps of the Bronze tables from their topics; without any, the source is not asked.

    Raises WrongSource, with its remedy, where a topic does not have any more what Bronze lacks.
    """
    for contract in contracts:
        if bronze_gaps(lake.catalog, contract):
            refill(lake, contract, kafka, resolve_starting_offsets(lake.catalog, identify([contract]), contract))


def _read_gap(lake: Lake, contract: Contract, kafka: str, gap: Gap) -> DataFrame:
    """Return the messages of a gap, as Kafka's batch source delivers them."""
    partition = str(gap.topic_partition.partition)
    return (
        lake.spark.read.format("kafka")
        .option("kafka.bootstrap.servers", kafka)
        .option("assign", json.dumps({contract.topic: [gap.topic_partition.partition]}))
        .option("startingOffsets", json.dumps({contract.topic: {partition: gap.first}}))
        .option("endingOffsets", json.dumps({contract.topic: {partition: gap.last + 1}}))
        .option("failOnDataLoss", "true")
        .load()
    )
