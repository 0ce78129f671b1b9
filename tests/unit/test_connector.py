"""The connector: what is registered, which topics it needs, when it runs."""

from typing import Any

import httpx
import pytest
from pydantic import SecretStr
from pytest_httpserver import HTTPServer

from lakehouse.contracts import CAPTURED
from lakehouse.settings import Settings
from lakehouse.source import topics
from lakehouse.source.connector import Connect, State, configuration, newly_captured

STATED = topics.connector_file()


def test_every_contract_has_its_line_in_the_connector_and_its_topic() -> None:
    assert {f"{contract.schema}.{contract.table}" for contract in CAPTURED} <= set(topics.tables(STATED))
    assert {contract.topic for contract in CAPTURED} <= set(topics.topics(STATED))


def test_heartbeat_and_signal_have_topics_too() -> None:
    assert {"__debezium-heartbeat.rh_sport", "rh_sport.cdc.heartbeat", "rh_sport.cdc.signal"} <= set(
        topics.topics(STATED)
    )


def test_a_new_captured_table_is_one_line() -> None:
    grown = {**STATED, "table.include.list": STATED["table.include.list"] + ", public.new_table"}
    assert set(topics.topics(grown)) - set(topics.topics(STATED)) == {"rh_sport.public.new_table"}


def test_changes_are_kept_for_ever_and_heartbeats_for_a_day() -> None:
    wanted = topics.topics(STATED)
    kept = {name: int(configs["retention.ms"]) for name, configs in wanted.items()}
    assert {kept[contract.topic] for contract in CAPTURED} == {-1}
    assert kept["rh_sport.cdc.heartbeat"] == kept["__debezium-heartbeat.rh_sport"] == 24 * 3600 * 1000


def test_the_producer_and_the_topics_let_the_same_size_pass() -> None:
    config = configuration(STATED, Settings())
    largest = {configs["max.message.bytes"] for configs in topics.topics(STATED).values()}
    assert largest == {config["producer.override.max.request.size"]}
    assert int(largest.pop()) > 5 * 1024 * 1024


def test_connect_may_see_postgres_elsewhere() -> None:
    here = Settings(db_host="h", db_port=1, db_password=SecretStr("p"))
    there = here.model_copy(update={"connector_db_host": "postgres", "connector_db_port": 5432})
    assert configuration(STATED, here)["database.hostname"] == "h"
    assert configuration(STATED, there)["database.hostname"] == "postgres"
    assert configuration(STATED, there)["database.port"] == "5432"


def test_only_a_table_that_a_running_connector_lacks_is_newly_captured() -> None:
    grown = {**STATED, "table.include.list": STATED["table.include.list"] + ",public.new_table"}
    assert newly_captured(STATED, grown) == ["public.new_table"]
    assert newly_captured(grown, STATED) == []
    assert newly_captured(None, grown) == []


@pytest.mark.parametrize(
    ("state", "runs", "failed"),
    [
        (State("RUNNING", ("RUNNING",)), True, False),
        (State("RUNNING", ()), False, False),
        (State("RUNNING", ("FAILED",)), False, True),
        (State("FAILED", ("RUNNING",)), False, True),
        (State("RUNNING", ("UNASSIGNED",)), False, False),
        (State("PAUSED", ("PAUSED",)), False, False),
    ],
)
def test_it_runs_when_the_connector_and_all_tasks_do(state: State, runs: bool, failed: bool) -> None:
    assert (state.runs, state.failed) == (runs, failed)


def test_a_failures_cause_is_named_without_its_text(httpserver: HTTPServer) -> None:
    trace = (
        "org.apache.kafka.ConnectException: stopped\n\tat x\nCaused by: java.io.IOException: row (1, Dupont)\n\tat y"
    )
    status: dict[str, Any] = {
        "connector": {"state": "RUNNING"},
        "tasks": [{"id": 0, "state": "FAILED", "trace": trace}],
    }
    httpserver.expect_request("/connectors/rh_sport/status").respond_with_json(status)
    with httpx.Client(base_url=httpserver.url_for("/")) as client:
        state = Connect(client).state()
    assert state == State("RUNNING", ("FAILED",), causes=("java.io.IOException",))


def test_a_connector_that_is_not_registered_has_neither_state_nor_configuration(httpserver: HTTPServer) -> None:
    with httpx.Client(base_url=httpserver.url_for("/")) as client:
        httpserver.expect_request("/connectors/rh_sport/status").respond_with_data("", status=404)
        httpserver.expect_request("/connectors/rh_sport/config").respond_with_data("", status=404)
        assert (Connect(client).state(), Connect(client).config()) == (None, None)
