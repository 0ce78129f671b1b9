"""What else a topic may hold: it is refused once or means nothing, and stops nothing but what it must."""

import json

import pytest
from kafka import KafkaProducer

from lakehouse.cdc.contract import Contract
from lakehouse.cdc.silver import catch_up
from lakehouse.errors import SchemaMismatch
from lakehouse.source import topics
from spark.messages import SHOES
from stack.compare import differences
from stack.lab import Bench, Lab

LACES = Contract(table="laces", key=("id",), columns={"id": "int", "length": "int"})
TABLES = """
    CREATE TABLE shoes (id int PRIMARY KEY, size int, note text, price numeric(12,2));
    CREATE TABLE laces (id int PRIMARY KEY, length int);
    INSERT INTO shoes VALUES (1, 41), (2, 42);
    INSERT INTO laces VALUES (1, 90)
"""
ILLEGIBLE = (
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
ANOTHER_TYPE = b'{"op": "u", "after": {"id": 1, "size": "a secret", "note": null, "price": null}}'


@pytest.mark.long
def test_what_is_no_change_of_the_table_stops_nothing(lab: Lab) -> None:
    bench = lab([SHOES, LACES], TABLES)
    [shoes, laces] = bench.contracts
    _make_topics(bench, "transaction")
    bench.start(provide_transaction_metadata="true", heartbeat_interval_ms="200")
    bench.drain()
    _send(bench, *ILLEGIBLE)
    bench.execute(
        "SELECT pg_logical_emit_message(true, 'cache', 'not for us')",
        "SELECT pg_logical_emit_message(false, 'cache', 'not for us')",
        "UPDATE shoes SET size = 51 WHERE id = 1",
        "DELETE FROM shoes WHERE id = 2",
    )
    bench.refresh()
    assert [differences(bench, contract) for contract in bench.contracts] == [[], []]
    assert bench.lake.read("bronze", "shoes").where("op IS NULL").count() >= 1
    refused = bench.lake.quarantine().where("array_contains(reasons, 'message illisible')")
    assert refused.count() == len(ILLEGIBLE)
    _send(bench, ANOTHER_TYPE)
    bench.execute("UPDATE shoes SET size = 61", "UPDATE laces SET length = 120")
    upto = bench.drain()
    with pytest.raises(SchemaMismatch, match="shoes: the value of size") as error:
        catch_up(bench.lake, shoes, upto[shoes.table])
    assert "secret" not in str(error.value)
    catch_up(bench.lake, laces, upto[laces.table])
    assert [differences(bench, contract) for contract in bench.contracts] == [["1: size"], []]


def _make_topics(bench: Bench, *names: str) -> None:
    admin = topics.admin(bench.settings)
    try:
        topics.create_missing(admin, {f"{bench.name}.{name}": {} for name in names})
    finally:
        admin.close()


def _send(bench: Bench, *values: bytes | None) -> None:
    producer = KafkaProducer(bootstrap_servers=bench.settings.kafka_bootstrap_servers)
    for value in values:
        producer.send(bench.contracts[0].topic, value, key=json.dumps({"id": 1}).encode()).get(timeout=30)
    producer.close()
