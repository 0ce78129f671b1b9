"""What else a topic may hold: it is refused once or means nothing, and stops nothing but what it must."""

import json

import pytest
from kafka import KafkaProducer

from lakehouse.cdc.contract import Contract
from lakehouse.cdc.merge.silver import catch_up
from lakehouse.errors import SchemaMismatch
from lakehouse.source import topics
from spark.messages import SHOES
from stack.cdc_harness import CdcHarness, HarnessFactory
from stack.silver_diff import differences

LACES = Contract(table="laces", key=("id",), columns={"id": "int", "length": "int"})
TABLES = """
    CREATE TABLE shoes (id int PRIMARY KEY, size int, note text, price numeric(12,2));
    CREATE TABLE laces (id int PRIMARY KEY, length int);
    INSERT INTO shoes VALUES (1, 41), (2, 42);
    INSERT INTO laces VALUES (1, 90)
"""
UNDECODABLE = (
    b"no json",
    b"\xff\xfe\x00",
    b"",
    b"[]",
    b"null",
    b'"text"',
    b'{"op": ["u"], "after": {"id": 1}}',
    b'{"hello": "world"}',
    b'{"op": "x", "after": {"id": 1, "size": 1, "note": null, "price": null}}',
    b'{"op": "u", "after": null}',
    None,
)
TYPE_MISMATCH = b'{"op": "u", "after": {"id": 1, "size": "a secret", "note": null, "price": null}}'


@pytest.mark.long
def test_foreign_and_undecodable_messages_are_quarantined_and_stop_nothing(make_harness: HarnessFactory) -> None:
    harness = make_harness([SHOES, LACES], TABLES)
    [shoes, laces] = harness.contracts
    _create_topics(harness, "transaction")
    harness.start(provide_transaction_metadata="true", heartbeat_interval_ms="200")
    harness.drain()
    _send(harness, *UNDECODABLE)
    harness.execute(
        "SELECT pg_logical_emit_message(true, 'cache', 'not for us')",
        "SELECT pg_logical_emit_message(false, 'cache', 'not for us')",
        "UPDATE shoes SET size = 51 WHERE id = 1",
        "DELETE FROM shoes WHERE id = 2",
    )
    harness.merge_silver()
    assert [differences(harness, contract) for contract in harness.contracts] == [[], []]
    assert harness.lake.read("bronze", "shoes").where("op IS NULL").count() >= 1
    refused = harness.lake.quarantine().where("array_contains(reasons, 'message illisible')")
    assert refused.count() == len(UNDECODABLE)
    _send(harness, TYPE_MISMATCH)
    harness.execute("UPDATE shoes SET size = 61", "UPDATE laces SET length = 120")
    offsets = harness.drain()
    with pytest.raises(SchemaMismatch, match="shoes: the value of size") as error:
        catch_up(harness.lake, shoes, offsets[shoes.table])
    assert "secret" not in str(error.value)
    catch_up(harness.lake, laces, offsets[laces.table])
    assert [differences(harness, contract) for contract in harness.contracts] == [["1: size"], []]


def _create_topics(harness: CdcHarness, *names: str) -> None:
    admin = topics.admin_client(harness.settings)
    try:
        topics.create_missing_topics(admin, {f"{harness.name}.{name}": {} for name in names})
    finally:
        admin.close()


def _send(harness: CdcHarness, *values: bytes | None) -> None:
    producer = KafkaProducer(bootstrap_servers=harness.settings.kafka_bootstrap_servers)
    for value in values:
        producer.send(harness.contracts[0].topic, value, key=json.dumps({"id": 1}).encode()).get(timeout=30)
    producer.close()
