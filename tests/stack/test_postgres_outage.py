"""Postgres stops and starts again: the workers retry until then, and lose or repeat no message."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Thread
from typing import Any

import pytest
from kafka import KafkaProducer
from pydantic import SecretStr
from pytest_httpserver import HTTPServer
from structlog.testing import capture_logs
from structlog.typing import EventDict
from werkzeug import Request, Response

from lakehouse.contracts import RH_EMPLOYEES, STRAVA_ACTIVITIES
from lakehouse.distance import worker
from lakehouse.distance.google_routes import ROUTES_PATH
from lakehouse.local.stack import Stack
from lakehouse.retries import StopSignal, wait_until
from lakehouse.settings import Settings
from lakehouse.slack import notifier
from lakehouse.source import postgres, topics
from stack.activity_events import insert_employee, insert_go_live, numbered_event
from support.fake_slack import Answer, FakeSlack, accept
from support.timing import seconds

ACTIVITY_COUNT = 6
FOUND = [{"condition": "ROUTE_EXISTS", "distanceMeters": 7_000, "duration": "900s"}]


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """Yield Postgres and Kafka alone, which tests may stop."""
    stack = Stack.on_free_ports(tmp_path_factory.mktemp("away"))
    try:
        stack.up("postgres", "kafka")
        admin = topics.admin_client(stack.settings)
        topics.create_missing_topics(admin, topics.required_topics(topics.read_connector_config()))
        admin.close()
        with postgres.connect(stack.settings) as conn:
            insert_employee(conn, 10, "12 rue du Test, 34000 Montpellier", "Marche/running")
            insert_go_live(conn)
            conn.execute(
                "INSERT INTO reward_rules VALUES ('2020-01-01', 0.05, 15000, 25000, 15, 5, 'calendar_year', 'Lattes')"
            )
        yield stack
    finally:
        stack.down()


@pytest.fixture
def own_slack() -> Iterator[FakeSlack]:
    with FakeSlack() as slack:
        yield slack


@contextmanager
def run_service(serve: Callable[[Settings, StopSignal], None], settings: Settings) -> Iterator[list[EventDict]]:
    """Run the service in a thread until the block ends, and yield its log entries."""
    stop = StopSignal()
    thread = Thread(target=serve, args=[settings, stop])
    with capture_logs() as logs:
        thread.start()
        try:
            yield logs
            assert thread.is_alive()
        finally:
            stop.set()
            thread.join(timeout=seconds(60))


def retry_delays(logs: list[EventDict]) -> list[float]:
    return [line["seconds"] for line in logs if line["event"] == "retrying"]


def wait_for_longest_delay(logs: list[EventDict]) -> None:
    """Wait until the pauses between retries no longer grow; a longer outage adds equal pauses only."""
    wait_until(
        lambda: retry_delays(logs)[-2:] == [5.0, 5.0], timeout=seconds(60), missing="two pauses of the longest kind"
    )


def publish(settings: Settings, topic: str, *values: bytes) -> None:
    producer = KafkaProducer(bootstrap_servers=settings.kafka_bootstrap_servers)
    for value in values:
        producer.send(topic, value)
    producer.close()


def rows(settings: Settings, query: str) -> list[tuple[Any, ...]]:
    with postgres.connect(settings) as conn:
        return conn.execute(query).fetchall()


def test_notifier_loses_and_duplicates_no_message_in_a_postgres_outage(stack: Stack, own_slack: FakeSlack) -> None:
    """Take up to a minute: Postgres is down until the notifier waits its longest pause."""

    def accept_and_stop_postgres(_: str) -> Answer:
        stack.down("postgres")  # so the message cannot be marked as sent
        return Answer()

    own_slack.expect(accept, accept_and_stop_postgres)
    settings = stack.settings.model_copy(update={"slack_webhook_url": own_slack.webhook})
    early, late = range(1, 4), range(4, ACTIVITY_COUNT + 1)
    publish(settings, STRAVA_ACTIVITIES.topic, *(numbered_event(number) for number in early))
    with run_service(notifier.serve, settings) as logs:
        wait_for_longest_delay(logs)
        publish(settings, STRAVA_ACTIVITIES.topic, *(numbered_event(number) for number in late))
        stack.up("postgres")
        wait_until(lambda: own_slack.posted >= ACTIVITY_COUNT, timeout=seconds(60), missing="the pending messages")
        sent = "SELECT activity_id, attempts FROM ops.slack_outbox WHERE status = 'sent' ORDER BY sent_at"
        wait_until(
            lambda: len(rows(settings, sent)) == ACTIVITY_COUNT,
            timeout=seconds(30),
            missing="the last message to be marked as sent",
        )
    assert rows(settings, sent) == [(number, 1) for number in (*early, *late)]
    assert [int(text.split('"')[1]) for text in own_slack.texts] == [*early, *late]


@pytest.mark.long
def test_distance_worker_repeats_unsaved_requests_after_a_postgres_outage(stack: Stack, httpserver: HTTPServer) -> None:
    def answer_after_outage(_: Request) -> Response:
        stack.down("postgres")
        return Response(json.dumps(FOUND))

    httpserver.expect_ordered_request(ROUTES_PATH).respond_with_handler(answer_after_outage)
    for _ in range(2):
        httpserver.expect_ordered_request(ROUTES_PATH).respond_with_json(FOUND)
    update = {"api_key_maps": SecretStr("AIzaFictive"), "maps_url": httpserver.url_for("/")}
    settings = stack.settings.model_copy(update=update)
    answered = "SELECT status, distance_m FROM distance_cache"
    with run_service(worker.serve, settings) as logs:
        wait_for_longest_delay(logs)
        stack.up("postgres")
        wait_until(
            lambda: rows(settings, answered) == [("ok", 7_000)], timeout=seconds(60), missing="the saved distance"
        )
        with postgres.connect(settings) as conn:
            insert_employee(conn, 11, "3 rue du Test, 34130 Mauguio", "Marche/running")
        publish(settings, RH_EMPLOYEES.topic, b"{}")
        wait_until(
            lambda: len(rows(settings, answered)) == 2, timeout=seconds(30), missing="the next request's distance"
        )
    httpserver.check_assertions()
