"""Law: who asks Connect shows its password, which is in a private file, and never in a configuration or an error."""

import base64
import re
import stat
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from lakehouse.errors import NotReady
from lakehouse.http_session import HttpError
from lakehouse.local import connect
from lakehouse.local.secret_store import write_secrets
from lakehouse.local.service_addresses import on_free_ports
from lakehouse.settings import ROOT, Settings
from lakehouse.source import topics
from lakehouse.source.connect_client import (
    CONNECT_USER,
    ConnectClient,
    build_config,
    client_overrides,
    connect_session,
)

ODD_PASSWORDS = ["aZ0-_", "  blanks  ", "é€🚴", 'it\'s "$x" \\ ${y}', "a:b=c#d!e", "100%"]
BASE_CONFIG = topics.read_connector_config()


def _settings(**values: Any) -> Settings:
    return Settings(_env_file=None, **values)  # type: ignore[call-arg]


@pytest.mark.parametrize("password", ODD_PASSWORDS)
def test_client_sends_the_password_in_utf8(httpserver: HTTPServer, password: str) -> None:
    expected = f"Basic {base64.b64encode(f'{CONNECT_USER}:{password}'.encode()).decode()}"
    httpserver.expect_request("/connectors/x/config", headers={"Authorization": expected}).respond_with_json({"a": "b"})
    settings = _settings(connect_url=httpserver.url_for("/"), connect_password=SecretStr(password))
    with connect_session(settings) as session:
        assert ConnectClient(session, settings.connect_url, "x").config() == {"a": "b"}


def test_credentials_of_the_url_win(httpserver: HTTPServer) -> None:
    found: list[str | None] = []

    def note(request: Request) -> Response:
        found.append(request.authorization.username if request.authorization else None)
        return Response("{}")

    httpserver.expect_request("/connectors/x/config").respond_with_handler(note)
    url = httpserver.url_for("").replace("http://", "http://me:secret@")
    settings = _settings(connect_url=url, connect_password=SecretStr("another"))
    with connect_session(settings) as session:
        ConnectClient(session, settings.connect_url, "x").config()
    assert found == ["me"]


def test_refusal_says_what_differs_and_not_the_password(httpserver: HTTPServer) -> None:
    httpserver.expect_request("/connectors/x/config").respond_with_data("", status=401)
    settings = _settings(connect_url=httpserver.url_for("/"), connect_password=SecretStr("aZ0-_"))
    with (
        connect_session(settings) as session,
        pytest.raises(HttpError, match=r"401.*another CONNECT_PASSWORD") as error,
    ):
        ConnectClient(session, settings.connect_url, "x").config()
    assert "aZ0-_" not in str(error.value)


def test_without_a_password_no_session_opens(tmp_path: Path) -> None:
    with pytest.raises(NotReady, match="no CONNECT_PASSWORD is set"):
        connect_session(_settings(connect_password_file=tmp_path / "none"))


def test_configuration_has_a_reference_and_no_password() -> None:
    local = build_config(BASE_CONFIG, _settings(db_capture_password=SecretStr("aZ0-_")))
    assert local["database.password"] == "${directory:secrets:db-capture-password}"
    assert "aZ0-_" not in str(local)
    in_compose = build_config(BASE_CONFIG, _settings(connector_db_password_file=Path("/run/secrets/capture/value")))
    assert in_compose["database.password"] == "${directory:/run/secrets/capture:value}"


@pytest.mark.parametrize("password", ODD_PASSWORDS)
def test_file_of_the_login_is_private_and_java_reads_the_password(tmp_path: Path, password: str) -> None:
    write_secrets(tmp_path / "run" / "secrets", {})
    settings = on_free_ports(tmp_path).model_copy(update={"connect_password": SecretStr(password)})
    worker, login = tmp_path / "connect" / "worker.properties", tmp_path / "connect" / "login.properties"
    connect.write_files(worker, login, settings)
    assert stat.S_IMODE(login.stat().st_mode) == 0o600
    key, value = login.read_text("ascii").removesuffix("\n").split("=", 1)
    assert (key, _unescape(value)) == (CONNECT_USER, password), "an empty file would let everybody in"
    assert password not in worker.read_text("ascii")


def test_login_is_configured_by_a_uri_and_a_path_as_it_is(tmp_path: Path) -> None:
    first, second = connect.login_options(tmp_path / "100 % ${x} é" / "login.properties")
    assert first == f"-Djava.security.auth.login.config={(ROOT / 'debezium/connect-login.conf').as_uri()}"
    assert second == f"-Dconnect.login.file={tmp_path}/100 % ${{x}} é/login.properties"
    text = connect.LOGIN_CONFIG.read_text(encoding="utf-8")
    assert re.search(r"^KafkaConnect \{$", text, re.MULTILINE), "the name that Connect looks for"
    assert 'required\n  file="${connect.login.file}";' in text


def test_connect_allows_what_the_connector_overrides_and_nothing_else() -> None:
    worker, config = connect.worker_properties(_settings()), build_config(BASE_CONFIG, _settings())
    assert worker["connector.client.config.override.policy"] == "Allowlist"
    allowed = str(worker["connector.client.config.override.allowlist"]).split(",")
    assert allowed == ["acks", "batch.size", "buffer.memory", "linger.ms", "max.request.size"]
    overridden = {name for name in config if ".override." in name}
    assert overridden == {f"producer.override.{name}" for name in allowed}
    assert client_overrides({"producer.override.b": "", "admin.override.a": "", "producer.override.a": ""}) == [
        "a",
        "b",
    ]


def _unescape(value: str) -> str:
    units = re.sub(r"\\(?:u(.{4})|(.))", lambda m: chr(int(m[1], 16)) if m[1] else m[2], value.lstrip(" "))
    return units.encode("utf-16", "surrogatepass").decode("utf-16")
