"""A setting that loses changes makes the controller unhealthy, by table and remedy, while its other work goes on."""

from collections.abc import Iterator
from contextlib import closing

import pytest
from pytest_httpserver import HTTPServer
from structlog.testing import capture_logs

from lakehouse.http_session import internal_session
from lakehouse.settings import Settings
from lakehouse.source import topics
from lakehouse.source.connect_client import ConnectClient, build_config
from lakehouse.source.connector_controller import ConnectorController
from lakehouse.source.postgres import Connection, connect

FAILED_STATE = {
    "connector": {"state": "RUNNING"},
    "tasks": [{"id": 0, "state": "FAILED", "trace": "java.io.IOException: x"}],
}


@pytest.fixture
def conn(database: Settings) -> Iterator[Connection]:
    with connect(database, autocommit=True) as conn:
        yield conn


@pytest.fixture
def controller(database: Settings, conn: Connection, httpserver: HTTPServer) -> Iterator[ConnectorController]:
    """Yield a controller whose Kafka Connect is a stub that accepts every registration and keeps its settings."""
    config = {**build_config(topics.read_connector_config(), database), "skipped.operations": "t"}
    httpserver.expect_request("/connectors/rh_sport/config", method="GET").respond_with_json(config)
    httpserver.expect_request("/connectors/rh_sport/config", method="PUT").respond_with_json({})
    httpserver.expect_request("/connectors/rh_sport/status").respond_with_json(FAILED_STATE)
    httpserver.expect_request("/connectors/rh_sport/offsets").respond_with_json({"offsets": []})
    httpserver.expect_request("/connectors/rh_sport/restart").respond_with_data(status=204)
    with closing(topics.admin_client(database)) as admin, internal_session() as session:
        controller = ConnectorController(database, admin, conn, ConnectClient(session, httpserver.url_for("/")))
        with closing(controller):
            yield controller


def requests(httpserver: HTTPServer) -> list[str]:
    return [f"{request.method} {request.path.rsplit('/', 1)[-1]}" for request, _ in httpserver.log]


def test_identity_of_another_index_is_logged_with_its_remedy_and_failed_tasks_are_restarted(
    controller: ConnectorController, conn: Connection, httpserver: HTTPServer
) -> None:
    conn.execute("ALTER TABLE distance_cache REPLICA IDENTITY NOTHING")
    with capture_logs() as logs:
        assert not controller.reconcile_once()
    assert not controller.is_healthy
    [line] = [line for line in logs if line["event"] == "setting_loses_changes" and line["table"]]
    assert line["table"] == "public.distance_cache"
    assert line["hint"] == "ALTER TABLE public.distance_cache REPLICA IDENTITY DEFAULT;"
    assert "POST restart" in requests(httpserver)


def test_settings_that_a_registration_did_not_change_are_named_and_not_registered_at_each_pass(
    controller: ConnectorController, httpserver: HTTPServer
) -> None:
    with capture_logs() as logs:
        for _ in range(3):
            assert not controller.reconcile_once()
    problems = [line["problem"] for line in logs if line["event"] == "setting_loses_changes"]
    assert problems == ["the connector runs with other settings: skipped.operations"]
    assert requests(httpserver).count("PUT config") == 1


def test_connector_is_not_registered_while_one_of_its_tables_is_unpublished(
    controller: ConnectorController, conn: Connection, httpserver: HTTPServer
) -> None:
    conn.execute("ALTER PUBLICATION rh_sport DROP TABLE public.reward_rules")
    with capture_logs() as logs:
        controller.reconcile_once()
    assert "PUT config" not in requests(httpserver)
    assert [line["hint"] for line in logs if line["event"] == "setting_loses_changes"] == [
        "CALL public.capture('public.reward_rules');"
    ]
