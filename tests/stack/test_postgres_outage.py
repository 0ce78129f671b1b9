"""Postgres goes and comes back: workers, connector, stream and refresh go on; nothing is lost or done twice."""

import json
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import psutil
import pytest
from kafka import KafkaProducer
from pydantic import SecretStr
from pyspark.sql import SparkSession
from pyspark.sql import functions as F
from pytest_httpserver import HTTPServer
from structlog.typing import EventDict
from werkzeug import Request, Response

from lakehouse.cdc.merge.envelope import STREAMED_OPS
from lakehouse.cdc.merge.silver import catch_up
from lakehouse.contracts import RH_EMPLOYEES, STRAVA_ACTIVITIES
from lakehouse.distance import worker
from lakehouse.distance.google_routes import ROUTES_PATH
from lakehouse.errors import NotReady
from lakehouse.kafka_login import client_config
from lakehouse.local.service_addresses import on_free_ports
from lakehouse.local.stack import Stack
from lakehouse.retries import wait_until
from lakehouse.settings import Settings
from lakehouse.slack import notifier
from lakehouse.source import consistent_cut, postgres, topics
from spark.messages import SHOES
from stack.activity_events import insert_activities, insert_employee, insert_go_live, numbered_event, quoted_ids
from stack.cdc_harness import CdcHarness, open_harness
from stack.databases import fresh_database
from stack.own_services import services_of_tests
from stack.service_thread import run_service
from stack.silver_diff import differences
from support.fake_slack import Answer, FakeSlack, accept
from support.timing import seconds

ACTIVITY_COUNT = 6
FOUND = [{"condition": "ROUTE_EXISTS", "distanceMeters": 7_000, "duration": "900s"}]
TABLE = """
    CREATE TABLE shoes (id int PRIMARY KEY, size int, note text, price numeric(12,2));
    INSERT INTO shoes SELECT n, n, 'first', n FROM generate_series(1, 9) n
"""


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """Yield Postgres and Kafka alone, which tests may stop."""
    home = tmp_path_factory.mktemp("away")
    stack = Stack(home, on_free_ports(home), service_factory=services_of_tests)
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
def harness(stack: Stack, spark: SparkSession, tmp_path: Path) -> Iterator[CdcHarness]:
    """Yield a captured table, its connector past the snapshot, and a stream into Bronze."""
    stack.up("connect")
    with (
        fresh_database(stack.settings) as database,
        open_harness(spark, database, tmp_path, [SHOES], TABLE) as harness,
    ):
        harness.start()
        harness.merge_silver()
        try:
            wait_until_change_is_acknowledged(harness)
            yield harness
        finally:
            stack.up("postgres")


def retry_delays(logs: list[EventDict]) -> list[float]:
    return [line["seconds"] for line in logs if line["event"] == "retrying"]


def wait_for_longest_delay(logs: list[EventDict]) -> None:
    """Wait until the pauses between retries no longer grow; a longer outage adds equal pauses only."""
    wait_until(
        lambda: retry_delays(logs)[-2:] == [5.0, 5.0], timeout=seconds(60), missing="two pauses of the longest kind"
    )


def publish(settings: Settings, topic: str, *values: bytes) -> None:
    producer = KafkaProducer(**client_config(settings))
    for value in values:
        producer.send(topic, value)
    producer.close()


def wait_until_change_is_acknowledged(harness: CdcHarness) -> None:
    """Change a row, and wait until Connect has stored its position: a later start repeats no snapshot."""
    with postgres.connect(harness.settings) as conn:
        before = postgres.current_wal_lsn(conn)
    harness.execute("UPDATE shoes SET note = 'second' WHERE id = 9")
    with harness.connector() as connector:
        wait_until(lambda: connector.max_lsn() > before, timeout=seconds(60), missing="Connect to store its position")


def wait_for_cut(harness: CdcHarness) -> consistent_cut.ConsistentCut:
    """Wait for a cut as a refresh does, which does not know whether the connector is back."""
    return consistent_cut.wait_for_consistent_cut(
        harness.settings, harness.lake.store, harness.contracts, timeout=seconds(60)
    )


def is_cut_awaited(harness: CdcHarness) -> bool:
    """Return whether a refresh waits for its watermark to arrive in Kafka."""
    return bool(rows(harness.settings, "SELECT id FROM cdc.signal WHERE type = 'log'"))


@contextmanager
def suspended(stack: Stack, name: str) -> Iterator[None]:
    [pid] = [service.pid for service in stack.status() if service.name == name]
    process = psutil.Process(pid)
    process.suspend()
    try:
        yield
    finally:
        process.resume()


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
    with postgres.connect(settings) as conn:
        insert_activities(conn, [*early, *late])
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
    assert quoted_ids(own_slack.texts) == [*early, *late]


def test_stream_and_refresh_lose_and_duplicate_no_change_in_a_postgres_outage(
    stack: Stack, harness: CdcHarness
) -> None:
    """Take over 20 s: Connect starts, and Debezium reads its slot again after Postgres has stopped and started.

    The connector comes back only after the refresh has begun, which has to wait for it.
    """
    [shoes] = harness.contracts
    harness.execute("UPDATE shoes SET note = 'before' WHERE id < 4", "DELETE FROM shoes WHERE id = 5")
    with closing(postgres.connect(harness.settings)) as uncommitted:
        uncommitted.execute("INSERT INTO shoes VALUES (30, 30, 'never committed', 1)")
        stack.down("postgres")
    with pytest.raises(NotReady, match=str(harness.settings.db_port)):
        wait_for_cut(harness)
    with ThreadPoolExecutor(1) as pool:
        with suspended(stack, "connect"):
            stack.up("postgres")
            harness.execute(
                "UPDATE shoes SET note = 'after' WHERE id IN (1, 7)",
                "INSERT INTO shoes VALUES (20, 20, 'after', 1)",
                "DELETE FROM shoes WHERE id = 6",
            )
            cut = pool.submit(wait_for_cut, harness)
            wait_until(
                lambda: cut.done() or is_cut_awaited(harness), timeout=seconds(30), missing="the refresh to begin"
            )
        catch_up(harness.lake, shoes, cut.result()[shoes.table])
    assert differences(harness, shoes) == []
    streamed = harness.lake.versions(shoes).where(F.col("_op").isin(*STREAMED_OPS)).collect()
    assert Counter((version["_op"], version["id"]) for version in streamed) == Counter(
        [("u", 9), ("u", 1), ("u", 2), ("u", 3), ("d", 5), ("u", 1), ("u", 7), ("c", 20), ("d", 6)]
    )
    assert all(query.isActive for query in harness.queries)


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
