"""The accounts of Kafka: who they are, and how a client logs in as the one that the settings name.

Where KAFKA_SECURITY_PROTOCOL is PLAINTEXT, as in compose, Kafka asks nobody who he is.
"""

import logging
from collections.abc import Mapping
from typing import Any

from lakehouse.passwords import Password, password_of, read_password
from lakehouse.settings import Settings

ADMINISTRATOR = "admin"  # the broker itself, and whoever grants rights
CONNECT_ACCOUNT, CONTROLLER_ACCOUNT, STREAM_ACCOUNT = "connect", "controller", "stream"
REFRESH_ACCOUNT, DISTANCE_ACCOUNT, NOTIFIER_ACCOUNT = "refresh", "distance", "notifier"
ACCOUNTS: Mapping[str, Password] = {
    ADMINISTRATOR: "kafka_password",
    CONNECT_ACCOUNT: "kafka_connect_password",
    CONTROLLER_ACCOUNT: "kafka_controller_password",
    STREAM_ACCOUNT: "kafka_stream_password",
    REFRESH_ACCOUNT: "kafka_refresh_password",
    DISTANCE_ACCOUNT: "kafka_distance_password",
    NOTIFIER_ACCOUNT: "kafka_notifier_password",
}
MECHANISM = "PLAIN"
LOGIN_MODULE = "org.apache.kafka.common.security.plain.PlainLoginModule"


def as_account(settings: Settings, account: str) -> Settings:
    """Return the settings with an account of Kafka: its name, and its password or the password's file."""
    password = password_of(settings, ACCOUNTS[account], "kafka_password")
    return settings.model_copy(update={"kafka_user": account, **password})


def client_config(settings: Settings) -> dict[str, Any]:
    """Return where a client of kafka-python finds Kafka, and how it logs in. Raises NotReady without a password."""
    address = {"bootstrap_servers": settings.kafka_bootstrap_servers}
    if not needs_login(settings):
        return address
    # It warns of each login that is not encrypted.
    logging.getLogger("kafka.net.sasl.plain").setLevel(logging.ERROR)
    return {
        **address,
        "security_protocol": settings.kafka_security_protocol,
        "sasl_mechanism": MECHANISM,
        "sasl_plain_username": settings.kafka_user,
        "sasl_plain_password": read_password(settings, "kafka_password"),
    }


def java_login(settings: Settings) -> dict[str, str]:
    """Return how a client in Java logs in, as properties; none where Kafka asks nobody. Raises NotReady likewise."""
    if not needs_login(settings):
        return {}
    return {
        "security.protocol": settings.kafka_security_protocol,
        "sasl.mechanism": MECHANISM,
        "sasl.jaas.config": jaas_config(
            username=settings.kafka_user, password=read_password(settings, "kafka_password")
        ),
    }


def spark_options(settings: Settings) -> dict[str, str]:
    """Return where Spark's Kafka source finds Kafka, and how it logs in, as its options."""
    properties = {"bootstrap.servers": settings.kafka_bootstrap_servers, **java_login(settings)}
    return {f"kafka.{name}": value for name, value in properties.items()}


def needs_login(settings: Settings) -> bool:
    return settings.kafka_security_protocol != "PLAINTEXT"


def jaas_config(**options: str) -> str:
    """Return what Java's login reads, each option in quotes."""
    quoted = (f'{name}="{_escape(value)}"' for name, value in options.items())
    return f"{LOGIN_MODULE} required {' '.join(quoted)};"


def _escape(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"')
