"""Kafka Connect, with Debezium on its class path."""

from pathlib import Path

from lakehouse import properties
from lakehouse.http_session import HttpError, ensure_success, internal_session
from lakehouse.local.java_command import java_command
from lakehouse.local.service import Service
from lakehouse.settings import Settings

CONNECT_HEAP = "768m"


def service(home: Path, settings: Settings, java_home: Path) -> Service:
    """Return how the supervisor runs Kafka Connect, whose whole state is in Kafka."""
    worker = home / "connect" / "worker.properties"
    main = "org.apache.kafka.connect.cli.ConnectDistributed"
    jars, temp = settings.jars_dir / "connect", settings.jvm_temp_dir
    return Service(
        name="connect",
        command=java_command(java_home, jars, temp, CONNECT_HEAP, main, str(worker), c1_only=False),
        address=settings.connect_url,
        prepare=lambda: properties.write(worker, worker_properties(settings)),
        readiness=lambda: check_readiness(settings),
        depends_on=("kafka",),
    )


def worker_properties(settings: Settings) -> dict[str, str | int]:
    """Return the worker's configuration: JSON without schemas, and internal topics with one replica."""
    json = "org.apache.kafka.connect.json.JsonConverter"
    return {
        "bootstrap.servers": settings.kafka_bootstrap_servers,
        "group.id": "connect",
        "listeners": settings.connect_url,
        "rest.advertised.host.name": "127.0.0.1",
        "key.converter": json,
        "key.converter.schemas.enable": "false",
        "value.converter": json,
        "value.converter.schemas.enable": "false",
        "config.storage.topic": "connect-configs",
        "config.storage.replication.factor": 1,
        "offset.storage.topic": "connect-offsets",
        "offset.storage.replication.factor": 1,
        "offset.storage.partitions": 1,
        # Changes since the last flush are sent again after a kill. A Postgres restored to a moment since then is not
        # detected as rewound.
        "offset.flush.interval.ms": 5_000,
        "task.shutdown.graceful.timeout.ms": 5_000,
        "status.storage.topic": "connect-status",
        "status.storage.replication.factor": 1,
        "status.storage.partitions": 1,
        "connector.client.config.override.policy": "All",
        # Connectors on the class path are registered there for ServiceLoader: no scan of every jar.
        "plugin.discovery": "service_load",
        # There is one worker: no other can take its tasks, and after a kill it is back at once.
        "scheduled.rebalance.max.delay.ms": 0,
    }


def check_readiness(settings: Settings) -> str | None:
    """Return why Connect is not ready, or None if it answers."""
    try:
        with internal_session(timeout=5) as session:
            ensure_success(session.get(f"{settings.connect_url}/connectors"))
    except HttpError as error:
        return f"Connect to answer at {settings.connect_url} ({error})"
    return None
