"""Law: where Kafka asks who is there, each program logs in by an account of its own; elsewhere nothing changes."""

import re
import stat
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from lakehouse import properties
from lakehouse.contracts import CAPTURED
from lakehouse.distance.worker import TRIGGER_TABLES
from lakehouse.errors import NotReady
from lakehouse.kafka_login import (
    ACCOUNTS,
    ADMINISTRATOR,
    CONNECT_ACCOUNT,
    CONTROLLER_ACCOUNT,
    DISTANCE_ACCOUNT,
    NOTIFIER_ACCOUNT,
    REFRESH_ACCOUNT,
    STREAM_ACCOUNT,
    as_account,
    client_config,
    jaas_config,
    spark_options,
)
from lakehouse.local import connect, kafka
from lakehouse.local.kafka_rights import rights
from lakehouse.local.secret_store import write_secrets
from lakehouse.local.service_addresses import on_free_ports, render_env_file, with_local_addresses
from lakehouse.settings import Settings
from lakehouse.slack.notifier import CONSUMER_GROUP
from lakehouse.source import roles, topics

STRANGE_PASSWORDS = ["aZ0-_", "  blanks  ", "é€🚴", 'it\'s "$x" \\ ${y}', "a;b,c=d#e!", "\\", '"', "100%", "\\n"]


def _settings(**values: Any) -> Settings:
    return Settings(_env_file=None, **values)  # type: ignore[call-arg]


def _read_jaas(text: str) -> dict[str, str]:
    """Read a login's options as Java does: between quotes, a backslash takes the next character as it is."""
    assert text.startswith("org.apache.kafka.common.security.plain.PlainLoginModule required ")
    assert text.endswith('";')
    pairs = re.findall(r'(\w+)="((?:[^"\\]|\\.)*)"', text)
    return {name: re.sub(r"\\(.)", r"\1", value) for name, value in pairs}


@pytest.fixture
def local(tmp_path: Path) -> Settings:
    """Return the settings of a stack whose secrets are made."""
    write_secrets(tmp_path / "run" / "secrets", {})
    return on_free_ports(tmp_path)


def test_without_a_protocol_nobody_logs_in() -> None:
    """Compose sets none: its network is the door."""
    plain = as_account(_settings(kafka_bootstrap_servers="h:1"), STREAM_ACCOUNT)
    assert client_config(plain) == {"bootstrap_servers": "h:1"}
    assert spark_options(plain) == {"kafka.bootstrap.servers": "h:1"}
    assert connect.kafka_properties(plain) == {}


def test_local_mode_asks_everybody_whatever_env_says(tmp_path: Path) -> None:
    named = _settings(kafka_security_protocol="PLAINTEXT", kafka_user="of-another-kafka")
    for settings in (with_local_addresses(named), on_free_ports(tmp_path)):
        assert (settings.kafka_security_protocol, settings.kafka_user) == ("SASL_PLAINTEXT", ADMINISTRATOR)
    assert "KAFKA_SECURITY_PROTOCOL=SASL_PLAINTEXT\n" in render_env_file(with_local_addresses(named)), "by hand, too"


@pytest.mark.parametrize("password", STRANGE_PASSWORDS)
def test_every_client_shows_the_password_as_it_is(password: str) -> None:
    own = as_account(
        _settings(kafka_security_protocol="SASL_PLAINTEXT", kafka_stream_password=SecretStr(password)), STREAM_ACCOUNT
    )
    config, options = client_config(own), spark_options(own)
    assert (config["sasl_plain_username"], config["sasl_plain_password"]) == (STREAM_ACCOUNT, password)
    assert config["security_protocol"] == options["kafka.security.protocol"] == "SASL_PLAINTEXT"
    assert _read_jaas(options["kafka.sasl.jaas.config"]) == {"username": STREAM_ACCOUNT, "password": password}


def test_account_without_a_password_is_an_error(tmp_path: Path) -> None:
    own = _settings(kafka_security_protocol="SASL_PLAINTEXT", kafka_refresh_password_file=tmp_path / "none")
    with pytest.raises(NotReady, match="KAFKA_PASSWORD"):
        client_config(as_account(own, REFRESH_ACCOUNT))


def test_each_login_of_postgres_brings_the_account_of_its_programs() -> None:
    login_accounts = {
        roles.as_loader: REFRESH_ACCOUNT,
        roles.as_worker: STREAM_ACCOUNT,
        roles.as_distance_worker: DISTANCE_ACCOUNT,
        roles.as_notifier: NOTIFIER_ACCOUNT,
    }
    passwords: dict[str, Any] = {name: SecretStr(name) for name in ACCOUNTS.values()}
    settings = _settings(kafka_security_protocol="SASL_PLAINTEXT", **passwords)
    for login, account in login_accounts.items():
        config = client_config(login(settings))
        assert (config["sasl_plain_username"], config["sasl_plain_password"]) == (account, ACCOUNTS[account])
    assert roles.controller_settings().kafka_user == CONTROLLER_ACCOUNT


def test_broker_knows_each_account_by_its_file_and_on_the_controllers_port_its_own(local: Settings) -> None:
    logins = {name: _read_jaas(text) for name, text in kafka.login_properties(local).items()}
    secrets = {account: client_config(as_account(local, account))["sasl_plain_password"] for account in ACCOUNTS}
    assert len({*secrets.values()}) == len(ACCOUNTS)
    own = {"username": ADMINISTRATOR, "password": secrets[ADMINISTRATOR]}
    assert logins == {
        "listener.name.client.plain.sasl.jaas.config": own | {f"user_{name}": text for name, text in secrets.items()},
        "listener.name.controller.plain.sasl.jaas.config": own | {f"user_{ADMINISTRATOR}": secrets[ADMINISTRATOR]},
    }


def test_no_port_of_the_broker_is_without_a_login(local: Settings, tmp_path: Path) -> None:
    config = kafka.server_properties(local, tmp_path / "data")
    protocols = dict(pair.split(":") for pair in str(config["listener.security.protocol.map"]).split(","))
    assert {one.split("://")[0] for one in str(config["listeners"]).split(",")} == protocols.keys()
    assert {*protocols.values()} == {"SASL_PLAINTEXT"}
    assert str(config["authorizer.class.name"]).endswith(".StandardAuthorizer")
    assert config["allow.everyone.if.no.acl.found"] == "false"
    assert config["super.users"] == f"User:{ADMINISTRATOR}"


def test_files_with_passwords_are_private(local: Settings, tmp_path: Path) -> None:
    (tmp_path / "kafka" / "data").mkdir(parents=True)
    kafka.create_data_dir(tmp_path / "kafka", local, tmp_path)
    connect.write_files(tmp_path / "connect" / "worker", tmp_path / "connect" / "login", local)
    for path in (tmp_path / "kafka" / "server.properties", tmp_path / "connect" / "worker"):
        assert "sasl.jaas.config=" in path.read_text("ascii")
        assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_connect_and_the_clients_of_its_connectors_log_in(local: Settings) -> None:
    config = connect.kafka_properties(local)
    assert {name.removesuffix("sasl.jaas.config") for name in config if name.endswith("jaas.config")} == {
        *("", "producer.", "consumer.", "admin.")
    }
    users = {_read_jaas(value)["username"] for name, value in config.items() if name.endswith("jaas.config")}
    assert users == {CONNECT_ACCOUNT}


def test_connect_alone_writes_and_nobody_deletes() -> None:
    operations = {(right.account, right.operation) for right in rights()}
    assert {account for account, operation in operations if operation == "WRITE"} == {CONNECT_ACCOUNT}
    assert {operation for _, operation in operations} == {"READ", "WRITE", "CREATE", "DESCRIBE", "DESCRIBE_CONFIGS"}
    assert {right.account for right in rights()} == {*ACCOUNTS} - {ADMINISTRATOR}
    assert {right.resource for right in rights()} == {"TOPIC", "GROUP"}
    creators = {right.account: right.name for right in rights() if right.operation == "CREATE"}
    assert creators.keys() == {CONTROLLER_ACCOUNT, CONNECT_ACCOUNT}
    assert creators[CONNECT_ACCOUNT] == "connect-"


def test_rights_cover_what_each_program_names() -> None:
    required = {*topics.required_topics(topics.read_connector_config())}
    readable = {
        account: {right.name for right in rights() if right.account == account and right.operation == "READ"}
        for account in ACCOUNTS
    }
    worker = connect.worker_properties(_settings())
    captured = {contract.topic for contract in CAPTURED}
    spark_groups = "spark-kafka-"  # spark-kafka-source-..., and -relation- of a batch
    assert readable[STREAM_ACCOUNT] == captured | {spark_groups}
    assert readable[REFRESH_ACCOUNT] == captured | {spark_groups, topics.topic_name("cdc.signal")}
    assert readable[DISTANCE_ACCOUNT] == {topics.topic_name(table) for table in TRIGGER_TABLES}
    assert readable[NOTIFIER_ACCOUNT] == {topics.topic_name("public.strava_activities"), CONSUMER_GROUP}
    assert readable[CONNECT_ACCOUNT] == {worker["group.id"], "connect-"}
    internal = [str(value) for name, value in worker.items() if name.endswith("storage.topic")]
    assert len(internal) == 3
    assert all(name.startswith("connect-") for name in internal)
    created = {right.name for right in rights() if right.account == CONTROLLER_ACCOUNT and right.operation == "CREATE"}
    assert created == required
    written = [right for right in rights() if right.account == CONNECT_ACCOUNT and right.operation == "WRITE"]
    for name in required:
        assert [one for one in written if one.name == name or (one.pattern == "PREFIXED" and name.startswith(one.name))]


def test_login_in_a_properties_file_is_read_back(tmp_path: Path) -> None:
    written = jaas_config(username="a", password='b\\"c é')
    properties.write(tmp_path / "one", {"sasl.jaas.config": written})
    text = (tmp_path / "one").read_text("ascii").removesuffix("\n").split("=", 1)[1]
    assert re.sub(r"\\(?:u(.{4})|(.))", lambda m: chr(int(m[1], 16)) if m[1] else m[2], text) == written
