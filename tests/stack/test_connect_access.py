"""Law: Connect answers whoever has its password; no answer has a password, and no connector changes Kafka's clients."""

from collections.abc import Mapping
from typing import Any

import pytest

from lakehouse.http_session import Response, internal_session
from lakehouse.local.secret_store import PASSWORDS
from lakehouse.passwords import read_password
from lakehouse.settings import Settings
from lakehouse.source.connect_client import CONNECT_USER, CONNECTOR_NAME, ConnectClient, connect_session
from support.timing import seconds

CONNECTOR = f"/connectors/{CONNECTOR_NAME}"
PLUGIN = "/connector-plugins/io.debezium.connector.postgresql.PostgresConnector/config"
READS = (
    *("/", "/connectors", "/connectors?expand=info&expand=status", CONNECTOR, f"{CONNECTOR}/config"),
    *(f"{CONNECTOR}/tasks", f"{CONNECTOR}/status", f"{CONNECTOR}/offsets", f"{CONNECTOR}/topics"),
    *("/connector-plugins", PLUGIN, "/admin/loggers", "/connectors/", "/%63onnectors"),
)
WRITES = (
    *(("PUT", f"{CONNECTOR}/config"), ("POST", "/connectors"), ("DELETE", CONNECTOR), ("PUT", f"{CONNECTOR}/stop")),
    *(("DELETE", f"{CONNECTOR}/offsets"), ("POST", f"{CONNECTOR}/restart"), ("PUT", "/admin/loggers/root")),
    *(("PUT", f"{PLUGIN}/validate"), ("PATCH", f"{CONNECTOR}/config"), ("HEAD", CONNECTOR), ("OPTIONS", CONNECTOR)),
)
STRANGERS = (
    "nothing",
    "wrong password",
    "no password",
    "another user",
    "capital user",
    "bearer",
    "no colon",
)
HOSTS: Mapping[str, Mapping[str, str]] = {
    "own": {},
    "localhost": {"Host": "localhost:8083", "Origin": "http://localhost:8083"},
    "other": {"Host": "evil.example", "Origin": "https://evil.example", "X-Forwarded-For": "127.0.0.1"},
    "null": {"Origin": "null", "Sec-Fetch-Site": "same-origin", "Referer": "http://127.0.0.1/"},
}


def _ask(settings: Settings, method: str, path: str, **options: Any) -> Response:
    with internal_session(timeout=seconds(30)) as session:
        return session.request(method, settings.connect_url + path, **options)


def _credentials(settings: Settings, stranger: str) -> Mapping[str, Any]:
    password = read_password(settings, "connect_password")
    every: Mapping[str, Mapping[str, Any]] = {
        "nothing": {},
        "wrong password": {"auth": (CONNECT_USER, password[:-1])},
        "no password": {"auth": (CONNECT_USER, "")},
        "another user": {"auth": ("admin", password)},
        "capital user": {"auth": (CONNECT_USER.upper(), password)},
        "bearer": {"headers": {"Authorization": f"Bearer {password}"}},
        "no colon": {"headers": {"Authorization": "Basic eA=="}},
    }
    return every[stranger]


@pytest.mark.parametrize("stranger", STRANGERS)
def test_stranger_gets_401_at_each_path(settings: Settings, stranger: str) -> None:
    for method, path in [*(("GET", path) for path in READS), *WRITES]:
        answer = _ask(settings, method, path, **_credentials(settings, stranger))
        assert (answer.status_code, "rh_sport" in answer.text) == (401, False), (method, path)


@pytest.mark.parametrize("headers", HOSTS.values(), ids=HOSTS)
def test_no_host_and_no_origin_stands_for_the_password(settings: Settings, headers: Mapping[str, str]) -> None:
    for method, path in [("GET", "/connectors"), ("GET", f"{CONNECTOR}/config"), ("DELETE", CONNECTOR)]:
        answer = _ask(settings, method, path, headers=headers)
        assert answer.status_code == 401
        assert not {name for name in answer.headers if name.lower().startswith("access-control")}


@pytest.mark.parametrize(("method", "path"), [("POST", f"{CONNECTOR}/tasks"), ("PUT", f"{CONNECTOR}/fence")])
def test_what_workers_ask_each_other_needs_their_signature(settings: Settings, method: str, path: str) -> None:
    """They are exempt from the password."""
    answer = _ask(settings, method, path, json=[])
    assert (answer.status_code, "rh_sport" in answer.text) == (400, False)
    forged = {"X-Connect-Authorization": "AAAA", "X-Connect-Request-Signature-Algorithm": "HmacSHA256"}
    assert _ask(settings, method, path, json=[], headers=forged).status_code == 403


def test_no_answer_has_a_password(settings: Settings) -> None:
    secrets = [read_password(settings, name) for name in PASSWORDS]
    with connect_session(settings, timeout=seconds(60)) as session:
        config = ConnectClient(session, settings.connect_url).config()
        assert config
        answers = [session.get(settings.connect_url + path) for path in READS]
        answers.append(session.put(f"{settings.connect_url}{PLUGIN}/validate", json=config))
        wrong = {**config, "database.hostname": "127.0.0.1", "database.port": "1"}
        answers.append(session.put(f"{settings.connect_url}{PLUGIN}/validate", json=wrong))
    assert [answer.status_code for answer in answers].count(200) >= 10
    assert sum("database.password" in answer.text for answer in answers) >= 6
    for answer in answers:
        assert not [secret for secret in secrets if secret in answer.text], answer.url
    assert config["database.password"] == "${directory:secrets:db-capture-password}"


@pytest.mark.parametrize(
    "override",
    [
        *(
            "producer.override.bootstrap.servers",
            "producer.override.metadata.max.age.ms",
            "producer.override.LINGER.MS",
        ),
        *("producer.override.interceptor.classes", "producer.override.sasl.jaas.config", "producer.override.client.id"),
        *("admin.override.bootstrap.servers", "producer.override.transactional.id", "producer.override.acks "),
    ],
)
def test_override_that_we_do_not_set_is_refused(settings: Settings, override: str) -> None:
    # A connector that creates topics has an admin client. One that reads topics is none of ours.
    other = {override: "1", "topic.creation.default.partitions": "1", "topic.creation.default.replication.factor": "1"}
    with connect_session(settings, timeout=seconds(60)) as session:
        config = ConnectClient(session, settings.connect_url).config() or {}
        try:
            answer = session.put(
                f"{settings.connect_url}/connectors/other/config", json={**config, "name": "other", **other}
            )
        finally:
            session.delete(f"{settings.connect_url}/connectors/other")
    assert answer.status_code == 400
    assert f"'{override.split('.override.')[1]}'" in answer.text
