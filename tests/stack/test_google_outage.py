"""During an outage of Google one request is sent, the others fail without it, and all are retried later."""

import json
from collections.abc import Iterator

import pytest
from pydantic import SecretStr
from pytest_httpserver import HTTPServer
from werkzeug import Response

from lakehouse.distance import worker
from lakehouse.distance.google_routes import ROUTES_PATH
from lakehouse.settings import Settings
from lakehouse.source import postgres
from stack.activity_events import insert_employee

PEOPLE = 5
FOUND = [{"condition": "ROUTE_EXISTS", "status": {}, "distanceMeters": 7_000, "duration": "900s"}]
NO_KEY = [{"error": {"status": "INVALID_ARGUMENT", "message": "API key not valid: AIzaFictive"}}]
NO_QUOTA = [{"error": {"status": "RESOURCE_EXHAUSTED", "message": "for AIzaFictive"}}]


@pytest.fixture
def google(database: Settings, httpserver: HTTPServer) -> Settings:
    return database.model_copy(update={"api_key_maps": SecretStr("AIzaFictive"), "maps_url": httpserver.url_for("/")})


@pytest.fixture
def conn(database: Settings) -> Iterator[postgres.Connection]:
    with postgres.connect(database, autocommit=True) as conn:
        conn.execute(
            "INSERT INTO reward_rules VALUES ('2020-01-01', 0.05, 15000, 25000, 15, 5, 'calendar_year', 'Lattes')"
        )
        for number in range(PEOPLE):
            insert_employee(conn, number, f"{number} rue du Test, 34000 Montpellier", "Marche/running")
        yield conn


def make_due(conn: postgres.Connection) -> None:
    conn.execute("UPDATE ops.distance_retry SET next_attempt_at = now()")


def cached_distances(conn: postgres.Connection) -> list[tuple[str, int | None, str | None]]:
    return conn.execute("SELECT status, distance_m, error_message FROM distance_cache ORDER BY id").fetchall()


@pytest.mark.parametrize(
    ("refusal", "message"),
    [
        (Response(json.dumps(NO_QUOTA), 429), "RESOURCE_EXHAUSTED"),
        (Response(json.dumps(NO_KEY), 400), "the key is refused"),
        (Response("[", 200), "not JSON"),
    ],
)
def test_google_outage_costs_one_request_and_all_are_retried_when_due(
    httpserver: HTTPServer, google: Settings, conn: postgres.Connection, refusal: Response, message: str
) -> None:
    httpserver.expect_ordered_request(ROUTES_PATH).respond_with_response(refusal)
    assert worker.run_once(google) == {"failed": PEOPLE}
    assert len(httpserver.log) == 1
    [(status, metres, reason)] = set(cached_distances(conn))
    assert (status, metres) == ("failed", None)
    assert message in (reason or "")
    assert "AIza" not in (reason or "")
    assert worker.run_once(google) == {}
    make_due(conn)
    for _ in range(PEOPLE):
        httpserver.expect_ordered_request(ROUTES_PATH).respond_with_json(FOUND)
    assert worker.run_once(google) == {"ok": PEOPLE}
    assert cached_distances(conn) == [("ok", 7_000, None)] * PEOPLE


def test_incomplete_google_answer_fails_only_its_own_request(
    httpserver: HTTPServer, google: Settings, conn: postgres.Connection
) -> None:
    no_route = [{"condition": "ROUTE_NOT_FOUND", "status": {}}]
    no_distance = [{"condition": "ROUTE_EXISTS", "status": {}, "duration": "900s"}]
    no_home = [{"condition": "ROUTE_EXISTS", "status": {"code": 5}}]
    for body in (no_route, no_distance, no_home, [], FOUND):
        httpserver.expect_ordered_request(ROUTES_PATH).respond_with_json(body)
    assert worker.run_once(google) == {"failed": PEOPLE - 1, "ok": 1}
    assert ("ok", 7_000, None) in cached_distances(conn)
