"""Where local mode serves: always on this machine, on the ports of the settings or on free ones."""

import os
import socket
from contextlib import suppress
from pathlib import Path
from random import sample
from urllib.parse import urlsplit

from pydantic import SecretStr

from lakehouse.settings import ENVIRONMENT_ONLY_VAR, Settings

LOCALHOST = "127.0.0.1"
NON_EPHEMERAL_PORTS = range(20_000, 32_000)  # Linux gives those from 32,768, macOS and Windows from 49,152
LOCAL_HOSTS = {"localhost", LOCALHOST, "::1"}
ADDRESS_FIELDS = (
    "db_host",
    "db_port",
    "kafka_bootstrap_servers",
    "kafka_controller_port",
    "connect_url",
    "thrift_host",
    "thrift_port",
    "java_home",
)


def with_local_addresses(settings: Settings) -> Settings:
    """Give the settings with every address on 127.0.0.1; ports stay, where they were this machine's.

    A .env made for containers says redpanda:9092: that is no address of ours, and our own default holds.
    """
    defaults = Settings.model_construct()
    return settings.model_copy(
        update={
            "db_host": LOCALHOST,
            "kafka_bootstrap_servers": _to_localhost(
                settings.kafka_bootstrap_servers, defaults.kafka_bootstrap_servers
            ),
            "connect_url": f"http://{_to_localhost(settings.connect_url, defaults.connect_url)}",
            "thrift_host": LOCALHOST,
            "connector_db_host": None,
            "connector_db_port": None,
        }
    )


def on_free_ports(home: Path) -> Settings:
    """Give settings that share only downloads with the checkout's own stack: free ports, all else in `home`."""
    db, kafka, controller, connect, thrift = free_ports(5)
    return Settings(
        _env_file=None,  # type: ignore[call-arg]
        db_host=LOCALHOST,
        db_port=db,
        kafka_bootstrap_servers=f"{LOCALHOST}:{kafka}",
        kafka_controller_port=controller,
        connect_url=f"http://{LOCALHOST}:{connect}",
        thrift_host=LOCALHOST,
        thrift_port=thrift,
        lake_uri=str(home / "lake"),
        output_dir=home / "output",
        warm_jvm_socket=home / "run" / "warm",
        api_key_maps=None,
        slack_webhook_url=None,
    )


def environment(settings: Settings) -> dict[str, str]:
    """Give a process's environment in which Settings() is exactly these settings, whatever the checkout's files say."""
    setting_names = {name.upper() for name in Settings.model_fields}
    inherited = {name: value for name, value in os.environ.items() if name.upper() not in setting_names}
    return inherited | _to_variables(settings, Settings.model_fields) | {ENVIRONMENT_ONLY_VAR: "yes"}


def render_env_file(settings: Settings) -> str:
    """Give the addresses as the lines of a .env file, for commands run by hand."""
    return "".join(f"{name}={value}\n" for name, value in _to_variables(settings, ADDRESS_FIELDS).items())


def port_of(address: str) -> int:
    """Give the port of `host:port` or of a URL."""
    port = urlsplit(address if "://" in address else f"//{address}").port
    if port is None:
        raise ValueError(f"no port in {address}")
    return port


def free_ports(count: int) -> list[int]:
    """Give ports that nothing listens on right now, all different.

    None is one that a system gives to connections going out: between here and the service's own start such a one
    may go to anybody's, and whoever asks for a server that is not there yet may be connected with itself.
    """
    free: list[int] = []
    for port in sample(NON_EPHEMERAL_PORTS, len(NON_EPHEMERAL_PORTS)):
        if len(free) == count:
            break
        with socket.socket() as probe, suppress(OSError):
            probe.bind((LOCALHOST, port))
            free.append(port)
    return free


def _to_localhost(address: str, default: str) -> str:
    parts = urlsplit(address if "://" in address else f"//{address}")
    return f"{LOCALHOST}:{parts.port if parts.hostname in LOCAL_HOSTS and parts.port else port_of(default)}"


def _to_variables(settings: Settings, names: object) -> dict[str, str]:
    values = {name: getattr(settings, name) for name in names}  # type: ignore[attr-defined]
    return {
        name.upper(): value.get_secret_value() if isinstance(value, SecretStr) else str(value)
        for name, value in values.items()
        if value is not None
    }
