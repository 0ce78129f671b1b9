"""What a client of the Thrift server says when there is no answer, or a no."""

import socket
from types import SimpleNamespace

import pytest
from pyhive import exc, hive
from thrift.transport.TTransport import TTransportException

from lakehouse.errors import NotReady
from lakehouse.serving.client import Refused, _reason, query
from lakehouse.serving.views import views
from lakehouse.settings import Settings

SPARK_SAYS = (
    "Error running query: [PATH_NOT_FOUND] org.apache.spark.sql.AnalysisException: [PATH_NOT_FOUND] "
    "Path does not exist: /lake/gold/x. SQLSTATE: 42K03\n\tat org.apache.spark.sql.errors(Errors.scala:1)"
)


def test_no_server_is_named_by_its_address() -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        settings = Settings(thrift_host="127.0.0.1", thrift_port=closed.getsockname()[1])
        with pytest.raises(NotReady, match=rf"127\.0\.0\.1:{settings.thrift_port}.*make up"):
            query(settings, "SELECT 1")


class Connection:
    """A server's connection: it answers 1, or goes away, and closing it fails."""

    description = (("one",),)

    def __init__(self, gone: Exception | None = None) -> None:
        self.gone = gone

    def cursor(self) -> "Connection":
        return self

    def execute(self, _: str) -> None:
        if self.gone:
            raise self.gone

    def fetchall(self) -> list[tuple[int]]:
        return [(1,)]

    def close(self) -> None:
        raise exc.OperationalError("NoClassDefFoundError")


def test_an_answer_is_an_answer_although_the_server_cannot_close_its_session(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hive, "connect", lambda *_, **__: Connection())
    assert query(Settings(), "SELECT 1").rows == [(1,)]


@pytest.mark.parametrize("gone", [EOFError(), TTransportException(), ConnectionResetError()])
def test_a_server_that_goes_away_while_it_is_asked_is_not_ready(
    monkeypatch: pytest.MonkeyPatch, gone: Exception
) -> None:
    monkeypatch.setattr(hive, "connect", lambda *_, **__: Connection(gone))
    with pytest.raises(NotReady, match="does not answer"):
        query(Settings(), "SELECT 1")


@pytest.mark.parametrize("field", ["errorMessage", "status"])
def test_a_refusal_keeps_spark_s_reason_and_drops_its_stack_trace(field: str) -> None:
    status = SimpleNamespace(errorMessage=SPARK_SAYS)
    answer = status if field == "errorMessage" else SimpleNamespace(status=status)
    refusal = Refused(_reason(exc.OperationalError(answer)))
    assert refusal.condition == "PATH_NOT_FOUND"
    assert str(refusal).endswith("refused: [PATH_NOT_FOUND] Path does not exist: /lake/gold/x. SQLSTATE: 42K03")


def test_a_refusal_without_a_name_is_told_as_it_came() -> None:
    refusal = Refused(_reason(exc.OperationalError("session closed")))
    assert (refusal.condition, str(refusal)) == (None, "the Thrift server refused: session closed")


def test_each_file_makes_the_view_of_its_name_over_the_lake() -> None:
    found = {view.name: view for view in views("/some/lake")}
    assert {"gold.v_prime_sportive", "gold.v_wellbeing", "gold.v_kpi"} <= set(found)
    for name, view in found.items():
        assert view.sql.startswith(f"CREATE OR REPLACE VIEW {name} (")
        assert "delta.`/some/lake/gold/" in view.sql
        assert f"'digest' = '{view.digest}'" in view.sql
        assert "{" not in view.sql


def test_a_view_over_another_lake_is_another_statement() -> None:
    assert not {view.digest for view in views("/some/lake")} & {view.digest for view in views("/other/lake")}
