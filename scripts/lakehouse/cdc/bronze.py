"""Bronze: every message of a topic, raw, exactly once.

The table's own last offsets are the only memory: each start of a flow reads them and begins behind them with a
new checkpoint, so that a checkpoint can neither be lost nor disagree. A batch is a blind append, without a look
into the table's past.
"""

import json

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F
from pyspark.sql.streaming.query import StreamingQuery

from lakehouse.cdc.contract import Contract
from lakehouse.cdc.lake import Lake
from lakehouse.cdc.source import Claim
from lakehouse.cdc.upkeep import shorten_log

ENVELOPE = """
    op STRING,
    source STRUCT<sequence: STRING, lsn: BIGINT, txId: BIGINT, ts_us: BIGINT, ts_ms: BIGINT, snapshot: STRING>
"""
# Debezium writes the row first, and last where it came from and what was done. No text in JSON can hold these
# characters, whose quotes would be escaped.
SOURCE, OPERATION = '"source":{', ',"op":"'
# Before a table's name, in stream.conf: how often its topic is looked at. Without it, as often as can be.
EVERY, AT_ONCE = "spark.lakehouse.every.", "0 seconds"
LARGEST_BATCH, LARGEST_TASK = 200_000, 50_000  # messages
# Batches. From 400 commits without a checkpoint on, Delta validates its log at each.
SHORTENED_EVERY = 300


def rows(messages: DataFrame, incarnation: int) -> DataFrame:
    """Give Bronze's rows for messages as Spark's Kafka source delivers them; `op` is NULL where none can be read."""
    source = F.col("_envelope.source")
    # A row is several times as long as what is asked for here: the message is parsed whole only where its end is not
    # as Debezium writes it.
    whole, end = F.col("value"), F.substring_index("value", SOURCE, -1)
    as_usual = (end != whole) & end.contains(OPERATION)
    told = F.when(as_usual, F.concat(F.lit("{" + SOURCE), end)).otherwise(whole)
    return (
        messages.withColumn("value", F.col("value").cast("string"))
        .withColumn("_envelope", F.from_json(told, ENVELOPE))
        .select(
            "_envelope.op",
            F.col("key").cast("string").alias("key"),
            "value",
            _found(r'^\["(\d+)"', source.sequence).alias("commit_seq"),
            F.coalesce(source.lsn, _found(r'"(\d+)"\]$', source.sequence)).alias("lsn"),
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


def _found(pattern: str, text: Column) -> Column:
    return F.regexp_extract(text, pattern, 1).try_cast("bigint")


def flow(lake: Lake, contract: Contract, kafka: str, claim: Claim) -> StreamingQuery:
    """Start the flow of one topic into its Bronze table."""

    def append(batch: DataFrame, batch_id: int) -> None:
        lake.append(batch, "bronze", contract.table)
        if batch_id % SHORTENED_EVERY == 0:
            shorten_log(lake.catalog.path("bronze", contract.table))

    messages = (
        lake.spark.readStream.format("kafka")
        .option("kafka.bootstrap.servers", kafka)
        .option("subscribe", contract.topic)
        .option("startingOffsets", json.dumps({contract.topic: claim.starts}))
        .option("maxOffsetsPerTrigger", LARGEST_BATCH)
        .option("maxRecordsPerPartition", LARGEST_TASK)
        .option("failOnDataLoss", "true")
        # Kafka's default of 500 ms is waited in full by every small batch.
        .option("kafka.fetch.max.wait.ms", "10")
        .load()
    )
    # Analysed once for all batches: made anew in each, the same rows cost half a second.
    news = rows(messages, claim.incarnation)
    every = lake.spark.sparkContext.getConf().get(f"{EVERY}{contract.table}", AT_ONCE)
    # Without a place for its checkpoint Spark makes one, and takes it away at the end.
    return news.writeStream.queryName(contract.table).foreachBatch(append).trigger(processingTime=every).start()
