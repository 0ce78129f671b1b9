"""A failed task of the connector is restarted after growing pauses, and a lasting failure is logged."""

from collections.abc import Callable, Iterator
from contextlib import closing

import pytest
from pytest_httpserver import HTTPServer
from structlog.testing import capture_logs

from lakehouse.http_session import internal_session
from lakehouse.settings import Settings
from lakehouse.source import topics
from lakehouse.source.connect_client import ConnectClient, build_config
from lakehouse.source.connector_controller import ConnectorController
from lakehouse.source.postgres import connect

OBSERVED_S, STEP_S = 40.0, 0.5
FAILED_STATE = {
    "connector": {"state": "RUNNING"},
    "tasks": [{"id": 0, "state": "FAILED", "trace": "java.io.IOException: x"}],
}
Reconcile = Callable[[], bool]


class Clock:
    """The time as the controller sees it: nobody waits for its pauses."""

    now = 0.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def reconcile(database: Settings, clock: Clock, httpserver: HTTPServer) -> Iterator[Reconcile]:
    """Return one pass of a controller whose Kafka Connect is a stub: the connector is registered, its task failed."""
    config = build_config(topics.read_connector_config(), database)
    for path, content in {"config": config, "status": FAILED_STATE, "offsets": {"offsets": []}}.items():
        httpserver.expect_request(f"/connectors/rh_sport/{path}").respond_with_json(content)
    httpserver.expect_request("/connectors/rh_sport/restart").respond_with_data(status=204)
    with (
        closing(topics.admin_client(database)) as admin,
        connect(database, autocommit=True) as conn,
        internal_session() as session,
    ):
        client = ConnectClient(session, httpserver.url_for("/"))
        yield ConnectorController(database, admin, conn, client, clock.monotonic).reconcile_once


def test_failed_task_is_restarted_after_pauses_that_double(
    reconcile: Reconcile, clock: Clock, httpserver: HTTPServer
) -> None:
    restarted_at = []
    for step in range(int(OBSERVED_S / STEP_S)):
        clock.now = step * STEP_S
        httpserver.clear_log()
        assert not reconcile()
        restarted_at += [clock.now] * any(request.path.endswith("/restart") for request, _ in httpserver.log)
    assert restarted_at == [0, 1, 3, 7, 15, 31]


def test_connector_that_does_not_run_is_logged_every_ten_seconds(reconcile: Reconcile, clock: Clock) -> None:
    logged_at = []
    for step in range(int(OBSERVED_S / STEP_S)):
        clock.now = step * STEP_S
        with capture_logs() as logs:
            reconcile()
        logged_at += [clock.now] * any(line["event"] == "connector_not_running" for line in logs)
    assert logged_at == [10.5, 21, 31.5]
