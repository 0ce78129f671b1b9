"""The errors of the Thrift client: an unreachable server, a lost connection, a refused query."""

import socket
from pathlib import Path
from types import SimpleNamespace

import pytest
from pyhive import exc
from thrift.transport.TTransport import TTransportException

from lakehouse.errors import NotReady
from lakehouse.gold.views import load_views
from lakehouse.serving import client
from lakehouse.serving.client import QueryError, query
from lakehouse.settings import Settings

SPARK_ERROR = (
    "Error running query: [PATH_NOT_FOUND] org.apache.spark.sql.AnalysisException: [PATH_NOT_FOUND] "
    "Path does not exist: /lake/gold/x. SQLSTATE: 42K03\n\tat org.apache.spark.sql.errors(Errors.scala:1)"
)
# Of nobody: its key was never written.
CERTIFICATE = """\
-----BEGIN CERTIFICATE-----
MIIBbDCCAROgAwIBAgIUYtk2PY3mcbB9pmGGajprAoh0w8kwCgYIKoZIzj0EAwIw
DDEKMAgGA1UEAwwBeDAeFw0yNjExMzAwNjU0NDdaFw0yNjEyMDIwNjU0NDdaMAwx
CjAIBgNVBAMMAXgwWTATBgcqhkjOPQIBBggqhkjOPQMBBwNCAAR+R/ZZoMymibQU
cfP/aOq0e6asZ5PNbZea0C8s1epsHqJrUq97kR8SEOYNJPEhI8VSBeuMesKrafpx
NthnMsneo1MwUTAdBgNVHQ4EFgQUICiZm3W6wtqd64xdHmpqRzzyQfkwHwYDVR0j
BBgwFoAUICiZm3W6wtqd64xdHmpqRzzyQfkwDwYDVR0TAQH/BAUwAwEB/zAKBggq
hkjOPQQDAgNHADBEAiBcIQY3rdoX7z9a4+AZeCpAdOcS+VbYQv4wjYoDEsSlBgIg
eewSZ1N13g2ICTB+v8a26YB1hKNjqWdv2wamLHXiu+A=
-----END CERTIFICATE-----
"""


@pytest.mark.parametrize("is_encrypted", [False, True])
def test_unreachable_thrift_server_is_an_error_with_its_address(tmp_path: Path, is_encrypted: bool) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        settings = Settings(
            thrift_host="127.0.0.1",
            thrift_port=closed.getsockname()[1],
            thrift_owner_file=tmp_path / "owner",
            thrift_certificate=tmp_path / "thrift.p12" if is_encrypted else None,
        )
        settings.thrift_certificate_pem.write_text(CERTIFICATE, encoding="ascii")
        with pytest.raises(NotReady, match=rf"127\.0\.0\.1:{settings.thrift_port}.*make up"):
            query(settings, "SELECT 1")


def test_program_that_accepts_a_connection_and_never_answers_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client, "OPENING_TIMEOUT_S", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        settings = Settings(thrift_host="127.0.0.1", thrift_port=silent.getsockname()[1])
        with pytest.raises(NotReady, match=rf"127\.0\.0\.1:{settings.thrift_port}.*make up"):
            query(settings, "SELECT 1")


class StubConnection:
    """A connection whose query returns 1 or fails, and whose closing fails."""

    description = (("one",),)

    def __init__(self, error: Exception | None = None) -> None:
        self.error = error

    def cursor(self) -> "StubConnection":
        return self

    def execute(self, _: str) -> None:
        if self.error:
            raise self.error

    def fetchall(self) -> list[tuple[int]]:
        return [(1,)]

    def close(self) -> None:
        raise exc.OperationalError("NoClassDefFoundError")


def test_query_result_is_returned_even_if_closing_the_session_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client, "open_connection", lambda *_, **__: StubConnection())
    assert query(Settings(), "SELECT 1").rows == [(1,)]


@pytest.mark.parametrize("error", [EOFError(), TTransportException(), ConnectionResetError()])
def test_connection_lost_during_a_query_is_not_ready(monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    monkeypatch.setattr(client, "open_connection", lambda *_, **__: StubConnection(error))
    with pytest.raises(NotReady, match="does not answer"):
        query(Settings(), "SELECT 1")


def query_error(monkeypatch: pytest.MonkeyPatch, error: exc.OperationalError) -> QueryError:
    """Return what a query raises where the server answers with the error."""
    monkeypatch.setattr(client, "open_connection", lambda *_, **__: StubConnection(error))
    with pytest.raises(QueryError) as raised:
        query(Settings(), "SELECT 1")
    return raised.value


@pytest.mark.parametrize("field", ["errorMessage", "status"])
def test_query_error_keeps_the_spark_reason_without_its_stack_trace(
    monkeypatch: pytest.MonkeyPatch, field: str
) -> None:
    status = SimpleNamespace(errorMessage=SPARK_ERROR)
    response = status if field == "errorMessage" else SimpleNamespace(status=status)
    refusal = query_error(monkeypatch, exc.OperationalError(response))
    assert refusal.condition == "PATH_NOT_FOUND"
    assert str(refusal).endswith("refused: [PATH_NOT_FOUND] Path does not exist: /lake/gold/x. SQLSTATE: 42K03")


def test_query_error_without_a_condition_is_shown_as_received(monkeypatch: pytest.MonkeyPatch) -> None:
    refusal = query_error(monkeypatch, exc.OperationalError("session closed"))
    assert (refusal.condition, str(refusal)) == (None, "the Thrift server refused: session closed")


def test_each_view_file_creates_the_view_of_its_name() -> None:
    views = {view.name: view for view in load_views("/some/lake", journal="/some/lake/gold/journal")}
    assert {"gold.v_prime_sportive", "gold.v_wellbeing", "gold.v_kpi"} <= set(views)
    for name, view in views.items():
        assert view.sql.startswith(f"CREATE OR REPLACE VIEW {name} (")
        assert ("text" if name == "gold.v_acces" else "delta") + ".`/some/lake/gold/" in view.sql
        assert f"'digest' = '{view.digest}'" in view.sql
        assert "{" not in view.sql


def test_view_digest_depends_on_the_lake_and_the_journal() -> None:
    some, other = (
        {view.digest for view in load_views(f"/{place}/lake", journal=f"/{place}/journal")} for place in ("a", "b")
    )
    assert not some & other
