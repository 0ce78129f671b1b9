"""The addresses of local mode: always on this machine, on the ports of the settings or on free ones."""

import os
import socket
from collections.abc import Collection, Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from random import sample
from typing import Any
from urllib.parse import urlsplit

from pydantic import SecretStr

from lakehouse.environment import ENVIRONMENT_ONLY_VAR, without_foreign
from lakehouse.kafka_login import ADMINISTRATOR
from lakehouse.local.secret_store import with_password_files
from lakehouse.settings import Settings

LOCALHOST = "127.0.0.1"
NON_EPHEMERAL_PORTS = range(20_000, 32_000)  # ephemeral: from 32,768 on Linux, 49,152 on macOS, Windows
LOCAL_HOSTS = {"localhost", LOCALHOST, "::1"}
LOCAL_KAFKA_LOGIN: Mapping[str, Any] = {"kafka_security_protocol": "SASL_PLAINTEXT", "kafka_user": ADMINISTRATOR}
ADDRESS_FIELDS = (
    "db_host",
    "db_port",
    "db_sslmode",
    "kafka_bootstrap_servers",
    "kafka_security_protocol",
    "kafka_controller_port",
    "connect_url",
    "thrift_host",
    "thrift_port",
    "java_home",
)


def with_local_addresses(settings: Settings) -> Settings:
    """Return the settings with every address on 127.0.0.1; the port of an address on this machine stays.

    A .env for containers names redpanda:9092: that is another machine, so the default port applies.
    """
    defaults = Settings.model_construct()
    return settings.model_copy(
        update={
            "db_host": LOCALHOST,
            "kafka_bootstrap_servers": _to_localhost(
                settings.kafka_bootstrap_servers, defaults.kafka_bootstrap_servers
            ),
            **LOCAL_KAFKA_LOGIN,
            "connect_url": f"http://{_to_localhost(settings.connect_url, defaults.connect_url)}",
            "thrift_host": LOCALHOST,
            "connector_db_host": None,
            "connector_db_port": None,
            "connector_db_password_file": defaults.connector_db_password_file,
            # The local server listens on this machine alone, and has no certificate.
            "db_sslmode": "disable",
            "db_sslrootcert": None,
            "db_sslcert": None,
            "db_sslkey": None,
        }
    )


def on_free_ports(home: Path) -> Settings:
    """Return settings that share only the downloads with the checkout's stack: free ports, all files in `home`."""
    db, kafka, controller, connect, thrift = free_ports(5)
    settings = Settings(
        _env_file=None,  # type: ignore[call-arg]
        db_host=LOCALHOST,
        db_port=db,
        kafka_bootstrap_servers=f"{LOCALHOST}:{kafka}",
        kafka_controller_port=controller,
        **LOCAL_KAFKA_LOGIN,
        connect_url=f"http://{LOCALHOST}:{connect}",
        thrift_host=LOCALHOST,
        thrift_port=thrift,
        postgres_data_dir=home / "postgres" / "data",
        lake_uri=str(home / "lake"),
        output_dir=home / "output",
        warm_jvm_socket=home / "run" / "warm",
        jvm_temp_dir=home / "tmp",
        thrift_owner_file=home / "run" / "thrift" / "owner",
        thrift_users_file=home / "run" / "thrift" / "users",
        access_journal_dir=home / "access",
        api_key_maps=None,
        slack_webhook_url=None,
    )
    return with_password_files(settings, home / "run" / "secrets")


def environment(settings: Settings) -> dict[str, str]:
    """Return a process environment in which Settings() equals these settings, whatever the checkout's .env says.

    It has no variable of another installation.
    """
    setting_names, variables = {name.upper() for name in Settings.model_fields}, without_foreign(os.environ)
    inherited = {name: value for name, value in variables.items() if name.upper() not in setting_names}
    return inherited | to_variables(settings, Settings.model_fields) | own_variables(settings)


def own_variables(settings: Settings) -> dict[str, str]:
    """Return what each process of a stack has beside settings: the order to read no .env, and its temporary folder."""
    return {ENVIRONMENT_ONLY_VAR: "yes", "TMPDIR": str(settings.jvm_temp_dir)}


def render_env_file(settings: Settings) -> str:
    """Return the addresses as lines that read_generated_file reads, for commands run by hand."""
    return "".join(f"{name}={value}\n" for name, value in to_variables(settings, ADDRESS_FIELDS).items())


def port_of(address: str) -> int:
    """Return the port of `host:port` or of a URL. Raises ValueError where there is none."""
    port = urlsplit(address if "://" in address else f"//{address}").port
    if port is None:
        raise ValueError(f"no port in {address}")
    return port


def free_port_for_supervisord(settings: Settings) -> int:
    """Return a free port that is none of a stack's own, on which its services do not listen yet."""
    return free_ports(
        1,
        reserved={
            settings.db_port,
            port_of(settings.kafka_bootstrap_servers),
            settings.kafka_controller_port,
            port_of(settings.connect_url),
            settings.thrift_port,
            settings.spark_ui_port,
        },
    )[0]


def free_ports(count: int, reserved: Collection[int | None] = ()) -> list[int]:
    """Return different ports that nothing listens on right now, none of them reserved or ephemeral.

    An outgoing connection could take an ephemeral port before the service starts.
    A client that tries such a port before the server is up could even be connected with itself.
    """
    free: list[int] = []
    for port in sample(NON_EPHEMERAL_PORTS, len(NON_EPHEMERAL_PORTS)):
        if len(free) == count:
            break
        if port in reserved:
            continue
        with socket.socket() as probe, suppress(OSError):
            probe.bind((LOCALHOST, port))
            free.append(port)
    return free


def _to_localhost(address: str, default: str) -> str:
    first = address.split(",", maxsplit=1)[0]
    parts = urlsplit(first if "://" in first else f"//{first}")
    return f"{LOCALHOST}:{parts.port if parts.hostname in LOCAL_HOSTS and parts.port else port_of(default)}"


def to_variables(settings: Settings, names: Iterable[str]) -> dict[str, str]:
    """Return the settings of these names as variables; one without a value is none."""
    values = {name: getattr(settings, name) for name in names}
    return {
        name.upper(): value.get_secret_value() if isinstance(value, SecretStr) else str(value)
        for name, value in values.items()
        if value is not None
    }
