"""Kafka Connect, with Debezium on its class path. It answers whoever has its password."""

from pathlib import Path

from lakehouse import properties
from lakehouse.errors import NotReady
from lakehouse.http_session import HttpError, ensure_success
from lakehouse.kafka_login import CONNECT_ACCOUNT, as_account, java_login
from lakehouse.local.java_command import java_command
from lakehouse.local.service import Service
from lakehouse.passwords import read_password
from lakehouse.settings import ROOT, Settings
from lakehouse.source.connect_client import CONNECT_USER, build_config, client_overrides, connect_session
from lakehouse.source.topics import read_connector_config

CONNECT_HEAP = "768m"
LOGIN_CONFIG = ROOT / "debezium" / "connect-login.conf"


def service(home: Path, settings: Settings, java_home: Path) -> Service:
    """Return how the supervisor runs Kafka Connect, whose whole state is in Kafka."""
    worker, login = home / "connect" / "worker.properties", home / "connect" / "login.properties"
    main = "org.apache.kafka.connect.cli.ConnectDistributed"
    jars, temp = settings.jars_dir / "connect", settings.jvm_temp_dir
    return Service(
        name="connect",
        command=java_command(
            java_home, jars, temp, CONNECT_HEAP, main, str(worker), c1_only=False, options=login_options(login)
        ),
        address=settings.connect_url,
        prepare=lambda: write_files(worker, login, settings),
        readiness=lambda: check_readiness(settings),
        depends_on=("kafka",),
    )


def login_options(login: Path) -> tuple[str, ...]:
    """Return Java's options for a Connect that compares passwords with those of the file `login`."""
    # A URI: Java would replace ${x} in a path.
    return (f"-Djava.security.auth.login.config={LOGIN_CONFIG.as_uri()}", f"-Dconnect.login.file={login}")


def write_files(worker: Path, login: Path, settings: Settings) -> None:
    """Write the worker's configuration, and the private file of the user that Connect lets in."""
    properties.write(worker, {**worker_properties(settings), **kafka_properties(settings)})
    properties.write(login, {CONNECT_USER: read_password(settings, "connect_password")})


def kafka_properties(settings: Settings) -> dict[str, str]:
    """Return how the worker logs in to Kafka, and how its connectors' clients do."""
    login = java_login(as_account(settings, CONNECT_ACCOUNT))
    prefixes = ("", "producer.", "consumer.", "admin.")
    return {f"{prefix}{name}": value for prefix in prefixes for name, value in login.items()}


def worker_properties(settings: Settings) -> dict[str, str | int]:
    """Return the worker's configuration: JSON without schemas, and internal topics with one replica."""
    overrides = client_overrides(build_config(read_connector_config(), settings))
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
        "rest.extension.classes": "org.apache.kafka.connect.rest.basic.auth.extension.BasicAuthSecurityRestExtension",
        "connector.client.config.override.policy": "Allowlist",
        "connector.client.config.override.allowlist": ",".join(overrides),
        # ${directory:folder:name} in a connector's configuration is the text of a file.
        "config.providers": "directory",
        "config.providers.directory.class": "org.apache.kafka.common.config.provider.DirectoryConfigProvider",
        # Connectors on the class path are registered there for ServiceLoader: no scan of every jar.
        "plugin.discovery": "service_load",
        # There is one worker: no other can take its tasks, and after a kill it is back at once.
        "scheduled.rebalance.max.delay.ms": 0,
    }


def check_readiness(settings: Settings) -> str | None:
    """Return why Connect is not ready, or None if it answers."""
    try:
        with connect_session(settings) as session:
            ensure_success(session.get(f"{settings.connect_url}/connectors"))
    except (HttpError, NotReady) as error:
        return f"Connect to answer at {settings.connect_url} ({error})"
    return None
