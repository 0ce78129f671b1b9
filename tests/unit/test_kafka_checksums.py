"""Checksums of Kafka messages are computed by compiled code; in Python they would take most of a consumer's time."""

import crc32c
from kafka.record import util


def test_kafka_client_uses_the_compiled_crc32c() -> None:
    assert util.calc_crc32c.__defaults__ == (crc32c.crc32c,)
