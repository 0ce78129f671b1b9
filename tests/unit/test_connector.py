"""The connector: its configuration, the topics that it needs, and when it counts as running."""

import re
import socket
from typing import Any

import pytest
from pytest_httpserver import HTTPServer

from lakehouse.contracts import CAPTURED
from lakehouse.http_session import HttpError, internal_session
from lakehouse.settings import Settings
from lakehouse.source import topics
from lakehouse.source.connect_client import ConnectClient, ConnectorState, build_config, newly_captured

CONNECTOR_CONFIG = topics.read_connector_config()


def test_every_contract_is_in_the_connector_include_list_and_has_a_topic() -> None:
    assert {f"{contract.schema}.{contract.table}" for contract in CAPTURED} <= set(
        topics.captured_tables(CONNECTOR_CONFIG)
    )
    assert {contract.topic for contract in CAPTURED} <= set(topics.required_topics(CONNECTOR_CONFIG))


def test_heartbeat_and_signal_have_topics_too() -> None:
    assert {"__debezium-heartbeat.rh_sport", "rh_sport.cdc.heartbeat", "rh_sport.cdc.signal"} <= set(
        topics.required_topics(CONNECTOR_CONFIG)
    )


def test_first_table_of_a_snapshot_is_none_of_the_contracts() -> None:
    """Debezium marks the first row of all as `first`, also where it is its table's last, which implies deletes."""
    assert topics.captured_tables(CONNECTOR_CONFIG)[0] == "cdc.heartbeat"


def test_notifications_have_a_topic_that_keeps_a_week() -> None:
    required = topics.required_topics(CONNECTOR_CONFIG)
    assert CONNECTOR_CONFIG["notification.enabled.channels"] == "sink"
    assert int(required[topics.notification_topic(CONNECTOR_CONFIG)]["retention.ms"]) == 7 * 24 * 3600 * 1000


def test_snapshot_query_names_columns_so_that_a_generated_one_does_not_end_it() -> None:
    """A column filter makes Debezium list the columns; tests/stack/test_pending_snapshots.py sees the effect."""
    config = build_config(CONNECTOR_CONFIG, Settings())
    tables = [f"{contract.schema}.{contract.table}.{name}" for contract in CAPTURED for name in contract.columns]
    assert not [name for name in tables if re.fullmatch(config["column.exclude.list"], name)]
    assert config["column.exclude.list"]


def test_table_added_to_the_include_list_gets_a_topic() -> None:
    grown = {**CONNECTOR_CONFIG, "table.include.list": CONNECTOR_CONFIG["table.include.list"] + ", public.new_table"}
    assert set(topics.required_topics(grown)) - set(topics.required_topics(CONNECTOR_CONFIG)) == {
        "rh_sport.public.new_table"
    }


def test_topic_retention_is_unlimited_for_changes_and_a_day_for_heartbeats() -> None:
    expected = topics.required_topics(CONNECTOR_CONFIG)
    retention_ms = {name: int(configs["retention.ms"]) for name, configs in expected.items()}
    assert {retention_ms[contract.topic] for contract in CAPTURED} == {-1}
    assert retention_ms["rh_sport.cdc.heartbeat"] == retention_ms["__debezium-heartbeat.rh_sport"] == 24 * 3600 * 1000


def test_producer_and_topics_have_the_same_message_size_limit() -> None:
    config = build_config(CONNECTOR_CONFIG, Settings())
    largest = {configs["max.message.bytes"] for configs in topics.required_topics(CONNECTOR_CONFIG).values()}
    assert largest == {config["producer.override.max.request.size"]}
    assert int(largest.pop()) > 5 * 1024 * 1024


def test_kafka_connect_may_use_another_postgres_address() -> None:
    here = Settings(db_host="h", db_port=1)
    there = here.model_copy(update={"connector_db_host": "postgres", "connector_db_port": 5432})
    assert build_config(CONNECTOR_CONFIG, here)["database.hostname"] == "h"
    assert build_config(CONNECTOR_CONFIG, there)["database.hostname"] == "postgres"
    assert build_config(CONNECTOR_CONFIG, there)["database.port"] == "5432"


def test_only_a_table_that_a_running_connector_lacks_is_newly_captured() -> None:
    grown = {**CONNECTOR_CONFIG, "table.include.list": CONNECTOR_CONFIG["table.include.list"] + ",public.new_table"}
    assert newly_captured(CONNECTOR_CONFIG, grown) == ["public.new_table"]
    assert newly_captured(grown, CONNECTOR_CONFIG) == []
    assert newly_captured(None, grown) == []


@pytest.mark.parametrize(
    ("state", "runs", "failed"),
    [
        (ConnectorState("RUNNING", ("RUNNING",)), True, False),
        (ConnectorState("RUNNING", ()), False, False),
        (ConnectorState("RUNNING", ("FAILED",)), False, True),
        (ConnectorState("FAILED", ("RUNNING",)), False, True),
        (ConnectorState("RUNNING", ("UNASSIGNED",)), False, False),
        (ConnectorState("PAUSED", ("PAUSED",)), False, False),
    ],
)
def test_connector_runs_if_connector_and_all_tasks_are_running(state: ConnectorState, runs: bool, failed: bool) -> None:
    assert (state.is_running, state.has_failed) == (runs, failed)


def test_connector_failure_is_named_by_its_cause_without_its_message(httpserver: HTTPServer) -> None:
    trace = (
        "org.apache.kafka.ConnectException: stopped\n\tat x\nCaused by: java.io.IOException: row (1, Dupont)\n\tat y"
    )
    status: dict[str, Any] = {
        "connector": {"state": "RUNNING"},
        "tasks": [{"id": 0, "state": "FAILED", "trace": trace}],
    }
    httpserver.expect_request("/connectors/rh_sport/status").respond_with_json(status)
    with internal_session() as session:
        state = ConnectClient(session, httpserver.url_for("/")).state()
    assert state == ConnectorState("RUNNING", ("FAILED",), causes=("java.io.IOException",))


def test_a_connector_that_is_not_registered_has_neither_state_nor_configuration(httpserver: HTTPServer) -> None:
    with internal_session() as session:
        httpserver.expect_request("/connectors/rh_sport/status").respond_with_data("", status=404)
        httpserver.expect_request("/connectors/rh_sport/config").respond_with_data("", status=404)
        client = ConnectClient(session, httpserver.url_for("/"))
        assert (client.state(), client.config()) == (None, None)


@pytest.mark.parametrize("status", [307, 409, 500])
def test_connect_response_other_than_2xx_is_an_error_that_names_the_request(
    httpserver: HTTPServer, status: int
) -> None:
    httpserver.expect_request("/connectors/rh_sport/stop").respond_with_data(
        "", status=status, headers={"Location": httpserver.url_for("/elsewhere")}
    )
    with internal_session() as session:
        client = ConnectClient(session, httpserver.url_for("/"))
        with pytest.raises(HttpError, match=f"^Kafka Connect: PUT /connectors/rh_sport/stop: HTTP {status}$"):
            client.stop()
    assert len(httpserver.log) == 1


def test_refused_connection_to_connect_is_an_error_that_names_the_request() -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    with internal_session() as session, pytest.raises(HttpError, match=r"GET /connectors/.*: ConnectionRefusedError"):
        ConnectClient(session, f"http://127.0.0.1:{port}").state()
