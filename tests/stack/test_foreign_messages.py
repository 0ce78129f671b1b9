"""Messages that are no change of the table: each is quarantined or ignored, and stops no other table."""

import json

from kafka import KafkaProducer

from lakehouse.kafka_login import client_config
from stack.cdc_harness import CdcHarness, HarnessFactory
from stack.hazard_tables import FOREIGN, FOREIGN_LACES
from stack.silver_diff import differences
from support.timing import seconds

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
MISTYPED_MESSAGE = b'{"op": "u", "after": {"id": 1, "size": "a secret", "note": null, "price": null}}'


def test_foreign_and_undecodable_messages_are_quarantined_and_stop_nothing(share_harness: HarnessFactory) -> None:
    """Take over 20 s: two tables are merged and compared, and merged again after a message of another type."""
    harness = share_harness(FOREIGN, FOREIGN_LACES)
    harness.drain()
    _send(harness, *UNDECODABLE)
    harness.execute(
        "SELECT pg_logical_emit_message(true, 'cache', 'not for us')",
        "SELECT pg_logical_emit_message(false, 'cache', 'not for us')",
        "UPDATE foreign_shoes SET size = 51 WHERE id = 1",
        "DELETE FROM foreign_shoes WHERE id = 2",
    )
    harness.merge_silver()
    assert [differences(harness, contract) for contract in harness.contracts] == [[], []]
    assert harness.lake.read("bronze", FOREIGN.table).where("op IS NULL").count() >= 1
    refused = harness.lake.quarantine().where(
        f"table_name = '{FOREIGN.table}' AND array_contains(reasons, 'message illisible')"
    )
    assert refused.count() == len(UNDECODABLE)
    _send(harness, MISTYPED_MESSAGE)
    harness.execute("UPDATE foreign_shoes SET size = 61", "UPDATE foreign_laces SET length = 120")
    harness.merge_silver()
    assert [differences(harness, contract) for contract in harness.contracts] == [[], []]
    [mistyped] = (
        harness.lake.quarantine()
        .where(f"table_name = '{FOREIGN.table}' AND op = 'u' AND key = '{{\"id\":1}}'")
        .collect()
    )
    assert (mistyped.reasons, mistyped.resolution) == (["valeur d'un autre type : size"], "corrigé")


def _send(harness: CdcHarness, *values: bytes | None) -> None:
    producer = KafkaProducer(**client_config(harness.settings))
    for value in values:
        producer.send(harness.contracts[0].topic, value, key=json.dumps({"id": 1}).encode()).get(timeout=seconds(30))
    producer.close()
