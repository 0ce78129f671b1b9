"""Law: a service is given the settings that it needs, and no others; a secret reaches it as a file."""

import json
import os
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr
from supervisor.options import ServerOptions

from lakehouse import variables
from lakehouse.local import supervisor
from lakehouse.local.service import Service
from lakehouse.local.service_addresses import on_free_ports
from lakehouse.local.service_settings import service_environment
from lakehouse.local.services import services
from lakehouse.local.stack import Stack
from lakehouse.settings import Settings

CANARY = "canary-7f3a"
POSTGRES = {"DB_HOST", "DB_PORT", "DB_NAME", "DB_SSLMODE"}
LOADER = POSTGRES | {"DB_LOADER_PASSWORD_FILE"}
KAFKA = {"KAFKA_BOOTSTRAP_SERVERS", "KAFKA_SECURITY_PROTOCOL"}
WORKER = POSTGRES | KAFKA | {"LOG_FORMAT"}
SPARK = {"JAVA_HOME", "JARS_DIR", "JVM_TEMP_DIR", "SPARK_MASTER", "TUNING_DIR", "LAKE_URI", "LOG_FORMAT"}
SETTINGS_OF_SERVICES = {
    "postgres": set(),
    "kafka": set(),
    "connect": set(),
    "stream-processor": WORKER
    | SPARK
    | {"DB_WORKER_PASSWORD_FILE", "KAFKA_STREAM_PASSWORD_FILE", "WARM_JVM_SOCKET", "SPARK_UI_PORT"},
    "spark-thrift": SPARK
    | {"THRIFT_BIND", "THRIFT_PORT", "THRIFT_OWNER_FILE", "THRIFT_USERS_FILE"}
    | {"THRIFT_CERTIFICATE", "THRIFT_CERTIFICATE_PASSWORD_FILE"}
    | {"LDAP_URL", "LDAP_USER_DN", "LDAP_BASE_DN", "LDAP_ROLE_RH", "LDAP_ROLE_DIRECTION"}
    | {"ACCESS_JOURNAL_DIR", "ACCESS_JOURNAL_DAYS"},
    "connector-controller": LOADER
    | KAFKA
    | {"KAFKA_CONTROLLER_PASSWORD_FILE", "CONNECT_URL", "CONNECT_PASSWORD_FILE", "LOG_FORMAT"},
    "distance-worker": WORKER
    | {"DB_DISTANCE_PASSWORD_FILE", "KAFKA_DISTANCE_PASSWORD_FILE", "API_KEY_MAPS_FILE", "MAPS_URL"},
    "slack-notifier": WORKER | {"DB_NOTIFIER_PASSWORD_FILE", "KAFKA_NOTIFIER_PASSWORD_FILE", "SLACK_WEBHOOK_URL_FILE"},
    "table-init": LOADER | {"LAKE_URI"},
    "thrift-init": {"THRIFT_HOST", "THRIFT_PORT", "THRIFT_OWNER_FILE", "THRIFT_CERTIFICATE"}
    | {"LAKE_URI", "ACCESS_JOURNAL_DIR", "LOG_FORMAT"},
    "refresh-watcher": LOADER | KAFKA | SPARK | {"KAFKA_REFRESH_PASSWORD_FILE", "CONNECT_URL", "CONNECT_PASSWORD_FILE"},
}
# What a person's shell may have, and no service needs.
PERSONAL = (
    *("DB_PASSWORD", "DB_READER_PASSWORD", "SLACK_RH_WEBHOOK_URL", "POSTGRES_IMAGE", "PGPASSWORD", "POSTGRES_PASSWORD"),
    *("GITHUB_TOKEN", "SSH_AUTH_SOCK", "SMTP_PASSWORD", "MY_API_KEY", "GPG_AGENT_INFO", "PIP_INDEX_URL", "DOCKER_HOST"),
)
MACHINE = {"PATH": "/usr/bin:/bin", "HOME": "/home/marie", "https_proxy": "http://proxy:1", "TZ": "Europe/Paris"}
STORE = {"AWS_SECRET_ACCESS_KEY": f"{CANARY}-store", "AZURE_STORAGE_KEY": f"{CANARY}-store"}
OWN = {"LAKEHOUSE_ENVIRONMENT_ONLY", "LAKEHOUSE_HOME", "TMPDIR", "LC_ALL"}


@pytest.fixture(scope="module")
def named(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """Return settings in which every secret and every optional setting is named."""
    home = tmp_path_factory.mktemp("stack")
    secrets = ("api_key_maps", "slack_webhook_url", "thrift_certificate_password", "db_password", "db_reader_password")
    texts = ("ldap_url", "ldap_user_dn", "ldap_base_dn", "ldap_role_rh", "ldap_role_direction")
    update: dict[str, Any] = {name: SecretStr(f"{CANARY}-{name}") for name in secrets}
    update |= {name: f'it\'s "{name}" 100% ;x #y' for name in texts}
    update |= {"thrift_certificate": home / "a.p12", "spark_ui_port": 1, "thrift_publish": "0.0.0.0"}  # noqa: S104
    return Stack(home, on_free_ports(home).model_copy(update=update)).settings


@pytest.fixture(scope="module")
def printed(named: Settings, tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, str]]:
    """Return what each service of a rendered configuration prints as its environment."""
    home = tmp_path_factory.mktemp("home")
    inherited = {**MACHINE, **STORE, **{name: f"{CANARY}-{name}" for name in PERSONAL}}
    every = [
        Service(one.name, (sys.executable, "-c", "import os, json; print(json.dumps(dict(os.environ)))"), one.settings)
        for one in services(home, named)
    ]
    environments = {one.name: service_environment(one, named, home, inherited) for one in every}
    started: list[tuple[list[str], dict[str, str]]] = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(subprocess, "run", lambda command, **options: started.append((command, options["env"])))
        patch.setattr(supervisor, "wait_until", lambda *_, **__: None)
        supervisor.Supervisor(home / "run", home / "logs").start(every, environments, 1)
    [(command, environment)] = started
    options = ServerOptions()
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(home / "run")
        options.realize([*command[3:], "-n"])
    found = {}
    for group in options.process_group_configs:
        for process in group.process_configs:
            words = shlex.split(process.command)
            assert CANARY not in process.command, "each user of the machine sees a command line"
            completed = subprocess.run(words, env=environment, capture_output=True, check=True)
            found[process.name] = dict(json.loads(completed.stdout))
    return found


def test_each_service_is_given_its_settings_and_no_others(printed: dict[str, dict[str, str]]) -> None:
    ours = {*variables.VARIABLES}
    assert {name: ours & {*found} for name, found in printed.items()} == SETTINGS_OF_SERVICES


def test_nothing_else_of_a_persons_environment_reaches_a_service(printed: dict[str, dict[str, str]]) -> None:
    for name, found in printed.items():
        others = {*found} - {*variables.VARIABLES} - {"PWD", "SHLVL", "_"}
        store = {*STORE} if "LAKE_URI" in found else set()
        assert others == {*MACHINE} | OWN | store, name
        assert {key: found[key] for key in MACHINE} == MACHINE


def test_no_service_has_the_value_of_a_secret(printed: dict[str, dict[str, str]]) -> None:
    for found in printed.values():
        assert [name for name, value in found.items() if CANARY in value and name not in STORE] == []


def test_value_with_quotes_signs_and_blanks_arrives_as_it_is(printed: dict[str, dict[str, str]]) -> None:
    assert printed["spark-thrift"]["LDAP_USER_DN"] == 'it\'s "ldap_user_dn" 100% ;x #y'


def test_file_of_a_secret_is_given_where_it_is_named_only(tmp_path: Path) -> None:
    plain = on_free_ports(tmp_path)
    [notifier] = [one for one in services(tmp_path, plain) if one.name == "slack-notifier"]
    assert "SLACK_WEBHOOK_URL_FILE" not in service_environment(notifier, plain, tmp_path, os.environ)
    own = plain.model_copy(update={"slack_webhook_url": SecretStr("http://h/x")})
    expected = str(tmp_path / "run" / "secrets" / "slack-webhook-url")
    assert service_environment(notifier, own, tmp_path, os.environ)["SLACK_WEBHOOK_URL_FILE"] == expected


def test_declared_settings_exist_and_none_is_the_value_of_a_secret(tmp_path: Path) -> None:
    for one in services(tmp_path, on_free_ports(tmp_path)):
        assert {*one.settings} <= {*Settings.model_fields}, one.name
        assert not [name for name in one.settings if f"{name}_file" in Settings.model_fields], one.name
