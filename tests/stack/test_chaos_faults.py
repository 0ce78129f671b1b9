"""The chaos harness on a real Postgres and Kafka: a lost lease, and messages described by offset range."""

from contextlib import closing
from pathlib import Path
from uuid import uuid4

import pytest
from kafka import KafkaProducer

from chaos.faults import lose_lease
from chaos.topic_offsets import describe_messages, read_offsets
from lakehouse.errors import LockLost
from lakehouse.kafka_login import client_config
from lakehouse.settings import Settings
from lakehouse.source import topics
from lakehouse.source.lease import Lease


def test_lost_lease_fault_affects_one_job_only(database: Settings, tmp_path: Path) -> None:
    own = database.model_copy(update={"lake_uri": str(tmp_path)})
    with closing(Lease(own, "stream")) as stream, closing(Lease(own, "refresh")) as refresh:
        tokens = stream.acquire(), refresh.acquire()
        fault = lose_lease(own, "stream")
        assert fault
        assert fault.description == "the lease of stream lost"
        with pytest.raises(LockLost):
            stream.ensure_held(tokens[0])
        refresh.ensure_held(tokens[1])
        assert lose_lease(own, "maintenance") is None


def test_messages_are_described_by_offset_range_without_their_values(settings: Settings) -> None:
    topic = f"chaos-{uuid4()}"
    with closing(topics.admin_client(settings)) as admin:
        topics.create_missing_topics(admin, {topic: {}})
    with closing(KafkaProducer(**client_config(settings))) as producer:
        for number in range(6):
            producer.send(topic, key=str(number).encode(), value=b'{"op": "u", "after": {"nom": "Mendes"}}')
    assert read_offsets(settings, [topic]) == {topic: {0: range(6)}}
    lines = [*describe_messages(settings, topic, 0, [range(1, 3), range(5, 6)])]
    assert [line.partition(":")[0] for line in lines] == ["offset 1", "offset 2", "offset 5"]
    assert lines[0].endswith("op u, 39 bytes, key 1")
    assert "Mendes" not in "".join(lines)
