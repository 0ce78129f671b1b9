"""Law 1: a message is stored in Bronze as received, even one that cannot be decoded."""

import json
from typing import Any

import pytest
from pyspark.sql import SparkSession

from lakehouse.cdc.bronze import to_bronze_rows

KAFKA_SCHEMA = "key BINARY, value BINARY, topic STRING, partition INT, offset BIGINT, timestamp TIMESTAMP"


def parse_bronze_row(spark: SparkSession, value: bytes | None) -> Any:
    messages = spark.createDataFrame([(b'{"id": 1}', value, "t", 0, 7, None)], KAFKA_SCHEMA)
    return to_bronze_rows(messages, incarnation=2).first()


def test_op_lsn_tx_id_and_offset_are_extracted_from_a_change_event(spark: SparkSession) -> None:
    source = {
        "sequence": '["100","120"]',
        "lsn": 120,
        "txId": 9,
        "ts_us": 1_000_001,
        "ts_ms": 1000,
        "snapshot": "false",
    }
    row = parse_bronze_row(spark, json.dumps({"op": "u", "after": {"id": 1}, "source": source}).encode())
    assert (row.op, row.commit_seq, row.lsn, row.tx_id, row.is_snapshot) == ("u", 100, 120, 9, False)
    assert (row.incarnation, row.partition, row.offset) == (2, 0, 7)
    assert row.committed_at.microsecond == 1


def test_initial_snapshot_row_has_a_null_commit_lsn(spark: SparkSession) -> None:
    source = {"sequence": '[null,"120"]', "lsn": 120, "snapshot": "first", "ts_ms": 1}
    row = parse_bronze_row(spark, json.dumps({"op": "r", "after": {}, "source": source}).encode())
    assert (row.commit_seq, row.lsn, row.is_snapshot) == (None, 120, True)


def test_incremental_snapshot_row_has_the_lsn_of_the_stream(spark: SparkSession) -> None:
    source = {"sequence": '["100","120"]', "lsn": None, "txId": None, "snapshot": "incremental", "ts_ms": 1}
    row = parse_bronze_row(spark, json.dumps({"op": "r", "after": {}, "source": source}).encode())
    assert (row.commit_seq, row.lsn, row.tx_id, row.is_snapshot) == (100, 120, None, True)


def test_row_text_that_looks_like_the_envelope_is_not_parsed_as_the_envelope(spark: SparkSession) -> None:
    note = '"source":{"lsn":1},"op":"d"'
    change = {"before": None, "after": {"note": note}, "source": {"lsn": 120, "ts_ms": 1, "name": note}, "op": "u"}
    row = parse_bronze_row(spark, json.dumps(change, separators=(",", ":")).encode())
    assert (row.op, row.lsn) == ("u", 120)


@pytest.mark.parametrize(
    "value", [b'{"after":{"id":1},"op":"u"}', b'{"op":"u","source":{"lsn":null},"after":{"id":1}}']
)
def test_envelope_fields_are_parsed_in_any_order(spark: SparkSession, value: bytes) -> None:
    assert parse_bronze_row(spark, value).op == "u"


@pytest.mark.parametrize("value", [b"not json", b"", b"[1, 2]", b'{"hello": 1}', b"\xff\xfe", None])
def test_undecodable_message_is_stored_raw_with_a_null_op(spark: SparkSession, value: bytes | None) -> None:
    messages = spark.createDataFrame([(None, value, "t", 0, 7, None)], KAFKA_SCHEMA)
    row = to_bronze_rows(messages, incarnation=0).selectExpr("op", "CAST(value AS BINARY) AS value").first()
    assert row is not None
    assert row.op is None
    assert (None if row.value is None else bytes(row.value)) == value
