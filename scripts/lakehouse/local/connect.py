"""Kafka Connect, with Debezium on its class path."""

from pathlib import Path

import httpx

from lakehouse.local import properties
from lakehouse.local.java_command import java_command
from lakehouse.local.service import Service
from lakehouse.settings import Settings

HEAP = "768m"


def service(home: Path, settings: Settings, java_home: Path) -> Service:
    """Give Connect; all it must remember is in Kafka."""
    worker = home / "connect" / "worker.properties"
    main = "org.apache.kafka.connect.cli.ConnectDistributed"
    return Service(
        name="connect",
        command=java_command(java_home, settings.jars_dir / "connect", HEAP, main, str(worker), c1_only=False),
        address=settings.connect_url,
        prepare=lambda: properties.write(worker, worker_properties(settings)),
        readiness=lambda: check_readiness(settings),
        depends_on=("kafka",),
    )


def worker_properties(settings: Settings) -> dict[str, str | int]:
    """Give the worker's configuration: plain JSON, its own topics on one broker."""
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
        # What was sent since is sent again after a kill, and a Postgres restored from since then is not known as older.
        "offset.flush.interval.ms": 5_000,
        "task.shutdown.graceful.timeout.ms": 5_000,
        "status.storage.topic": "connect-status",
        "status.storage.replication.factor": 1,
        "status.storage.partitions": 1,
        "connector.client.config.override.policy": "All",
        # The connectors are on the class path and name themselves there: no scan of every jar.
        "plugin.discovery": "service_load",
        # A worker that was killed is back at once; nobody else will take its tasks.
        "scheduled.rebalance.max.delay.ms": 0,
    }


def check_readiness(settings: Settings) -> str | None:
    """Give why Connect does not answer, or None when it does."""
    try:
        httpx.get(f"{settings.connect_url}/connectors", timeout=5).raise_for_status()
    except httpx.HTTPError as error:
        return f"Connect to answer at {settings.connect_url} ({type(error).__name__})"
    return None
