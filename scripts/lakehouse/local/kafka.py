"""One Kafka broker that is its own controller (KRaft). Who asks logs in, on both of its ports."""

import base64
import logging
import os
import shutil
import subprocess
import uuid
from pathlib import Path

from kafka import KafkaAdminClient
from kafka.errors import KafkaError

from lakehouse import properties
from lakehouse.environment import UTF8_LOCALE, without_foreign
from lakehouse.errors import NotReady
from lakehouse.kafka_login import ACCOUNTS, ADMINISTRATOR, MECHANISM, as_account, client_config, jaas_config
from lakehouse.local import kafka_rights
from lakehouse.local.java_command import java_command
from lakehouse.local.service import Service
from lakehouse.local.service_addresses import LOCALHOST, port_of
from lakehouse.passwords import read_password
from lakehouse.settings import Settings

BROKER_HEAP = "512m"
CLIENT_LISTENER, CONTROLLER_LISTENER = "CLIENT", "CONTROLLER"


def service(home: Path, settings: Settings, java_home: Path) -> Service:
    """Return how the supervisor runs the broker, with its data in home/kafka."""
    folder = home / "kafka"
    jars, temp = settings.jars_dir / "kafka", settings.jvm_temp_dir
    return Service(
        name="kafka",
        command=java_command(java_home, jars, temp, BROKER_HEAP, "kafka.Kafka", str(folder / "server.properties")),
        address=settings.kafka_bootstrap_servers,
        prepare=lambda: create_data_dir(folder, settings, java_home),
        readiness=lambda: check_readiness(settings),
        on_ready=lambda: kafka_rights.grant_to_accounts(settings),
        stop_stage=2,
    )


def server_properties(settings: Settings, data: Path) -> dict[str, str | int]:
    """Return the broker's configuration without its passwords.

    It has one node, no replication and no automatic creation of topics. What no right allows is refused.
    """
    client = f"{CLIENT_LISTENER}://{LOCALHOST}:{port_of(settings.kafka_bootstrap_servers)}"
    controller = f"{LOCALHOST}:{settings.kafka_controller_port}"
    return {
        "node.id": 1,
        "process.roles": "broker,controller",
        "controller.quorum.bootstrap.servers": controller,
        "controller.listener.names": CONTROLLER_LISTENER,
        "listeners": f"{client},{CONTROLLER_LISTENER}://{controller}",
        "advertised.listeners": client,
        "inter.broker.listener.name": CLIENT_LISTENER,
        "listener.security.protocol.map": f"{CLIENT_LISTENER}:SASL_PLAINTEXT,{CONTROLLER_LISTENER}:SASL_PLAINTEXT",
        "sasl.enabled.mechanisms": MECHANISM,
        "sasl.mechanism.inter.broker.protocol": MECHANISM,
        "sasl.mechanism.controller.protocol": MECHANISM,
        "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
        "super.users": f"User:{ADMINISTRATOR}",
        "allow.everyone.if.no.acl.found": "false",
        "log.dirs": str(data),
        "auto.create.topics.enable": "false",
        "group.initial.rebalance.delay.ms": 0,
        "offsets.topic.replication.factor": 1,
        "offsets.topic.num.partitions": 1,
        "transaction.state.log.replication.factor": 1,
        "transaction.state.log.min.isr": 1,
        "transaction.state.log.num.partitions": 1,
        "share.coordinator.state.topic.replication.factor": 1,
        "share.coordinator.state.topic.min.isr": 1,
        "share.coordinator.state.topic.num.partitions": 1,
        # The default takes 128 MB of the heap, for a handful of small compacted topics.
        "log.cleaner.dedupe.buffer.size": 8 << 20,
    }


def login_properties(settings: Settings) -> dict[str, str]:
    """Return the rest: the passwords of all accounts, and on the controller's port that of the broker alone.

    The broker has them from its configuration at each start, so that a changed file is a changed password.
    """
    passwords = {account: read_password(as_account(settings, account), "kafka_password") for account in ACCOUNTS}
    broker = {"username": ADMINISTRATOR, "password": passwords[ADMINISTRATOR]}
    listeners = {CLIENT_LISTENER: passwords, CONTROLLER_LISTENER: {ADMINISTRATOR: passwords[ADMINISTRATOR]}}
    return {
        f"listener.name.{name.lower()}.{MECHANISM.lower()}.sasl.jaas.config": jaas_config(
            **broker, **{f"user_{account}": password for account, password in users.items()}
        )
        for name, users in listeners.items()
    }


def create_data_dir(folder: Path, settings: Settings, java_home: Path) -> None:
    """Write the configuration, and format the data folder once.

    The folder gets its name when it is complete, so that an interrupted format starts again.
    Raises NotReady where Kafka's tool fails.
    """
    data = folder / "data"
    _write_config(folder / "server.properties", settings, data)
    if data.is_dir():
        return
    unfinished = folder / "unfinished"
    shutil.rmtree(unfinished, ignore_errors=True)
    _write_config(folder / "format.properties", settings, unfinished)
    arguments = ("format", "--standalone", f"--cluster-id={_cluster_id()}", "-c", str(folder / "format.properties"))
    jars, temp = settings.jars_dir / "kafka", settings.jvm_temp_dir
    command = java_command(java_home, jars, temp, "128m", "kafka.tools.StorageTool", *arguments)
    variables = without_foreign(os.environ) | UTF8_LOCALE
    result = subprocess.run(command, env=variables, capture_output=True, text=True, check=False)
    if result.returncode != 0:
        raise NotReady(f"Kafka's data folder could not be formatted: {result.stdout}{result.stderr}".strip())
    unfinished.rename(data)


def check_readiness(settings: Settings) -> str | None:
    """Return why the broker is not ready, or None if it answers."""
    logging.getLogger("kafka").setLevel(logging.CRITICAL)
    try:
        client = KafkaAdminClient(**client_config(settings), bootstrap_timeout_ms=1000)
        try:
            client.list_topics()
        finally:
            client.close()
    except (KafkaError, OSError) as error:
        return f"Kafka to answer at {settings.kafka_bootstrap_servers} ({type(error).__name__})"
    return None


def _write_config(path: Path, settings: Settings, data: Path) -> None:
    properties.write(path, {**server_properties(settings, data), **login_properties(settings)})


def _cluster_id() -> str:
    return base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
