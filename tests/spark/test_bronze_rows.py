"""Law 1: a message is in Bronze as it came, also one that nobody can read."""

import json
from typing import Any

import pytest
from pyspark.sql import SparkSession

from lakehouse.cdc.bronze import rows

MESSAGE = "key BINARY, value BINARY, topic STRING, partition INT, offset BIGINT, timestamp TIMESTAMP"


def row(spark: SparkSession, value: bytes | None) -> Any:
    messages = spark.createDataFrame([(b'{"id": 1}', value, "t", 0, 7, None)], MESSAGE)
    return rows(messages, incarnation=2).first()


def test_a_change_says_what_it_was_and_where_it_came_from(spark: SparkSession) -> None:
    source = {
        "sequence": '["100","120"]',
        "lsn": 120,
        "txId": 9,
        "ts_us": 1_000_001,
        "ts_ms": 1000,
        "snapshot": "false",
    }
    found = row(spark, json.dumps({"op": "u", "after": {"id": 1}, "source": source}).encode())
    assert (found.op, found.commit_seq, found.lsn, found.tx_id, found.is_snapshot) == ("u", 100, 120, 9, False)
    assert (found.incarnation, found.partition, found.offset) == (2, 0, 7)
    assert found.committed_at.microsecond == 1


def test_a_snapshot_row_has_no_commit_before_it(spark: SparkSession) -> None:
    source = {"sequence": '[null,"120"]', "lsn": 120, "snapshot": "first", "ts_ms": 1}
    found = row(spark, json.dumps({"op": "r", "after": {}, "source": source}).encode())
    assert (found.commit_seq, found.lsn, found.is_snapshot) == (None, 120, True)


def test_a_row_of_an_incremental_snapshot_stands_where_the_stream_did(spark: SparkSession) -> None:
    source = {"sequence": '["100","120"]', "lsn": None, "txId": None, "snapshot": "incremental", "ts_ms": 1}
    found = row(spark, json.dumps({"op": "r", "after": {}, "source": source}).encode())
    assert (found.commit_seq, found.lsn, found.tx_id, found.is_snapshot) == (100, 120, None, True)


def test_what_a_row_says_is_not_taken_for_where_it_came_from(spark: SparkSession) -> None:
    note = '"source":{"lsn":1},"op":"d"'
    change = {"before": None, "after": {"note": note}, "source": {"lsn": 120, "ts_ms": 1, "name": note}, "op": "u"}
    found = row(spark, json.dumps(change, separators=(",", ":")).encode())
    assert (found.op, found.lsn) == ("u", 120)


@pytest.mark.parametrize(
    "value", [b'{"after":{"id":1},"op":"u"}', b'{"op":"u","source":{"lsn":null},"after":{"id":1}}']
)
def test_a_change_is_read_in_whatever_order_it_says_what_it_is(spark: SparkSession, value: bytes) -> None:
    assert row(spark, value).op == "u"


@pytest.mark.parametrize("value", [b"not json", b"", b"[1, 2]", b'{"hello": 1}', b"\xff\xfe", None])
def test_what_cannot_be_read_is_kept_as_it_came(spark: SparkSession, value: bytes | None) -> None:
    messages = spark.createDataFrame([(None, value, "t", 0, 7, None)], MESSAGE)
    found = rows(messages, incarnation=0).selectExpr("op", "CAST(value AS BINARY) AS value").first()
    assert found is not None
    assert found.op is None
    assert (None if found.value is None else bytes(found.value)) == value
