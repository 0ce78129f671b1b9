"""Kafka's messages are checked by compiled code: in Python it would take most of a consumer's time."""

import crc32c
from kafka.record import util


def test_the_client_checks_with_compiled_code() -> None:
    assert util.calc_crc32c.__defaults__ == (crc32c.crc32c,)
