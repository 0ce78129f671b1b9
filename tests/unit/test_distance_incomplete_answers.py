"""An incomplete response is never a distance: a missing field must not bring an employee nearer."""

import json
from typing import Any

import pytest
from pytest_httpserver import HTTPServer

from lakehouse.distance.google_routes import ROUTES_PATH, Google
from lakehouse.distance.providers import DistanceRequest, DistanceResult, ProviderUnavailable

REQUEST = DistanceRequest("12 rue du Test, 34000 Montpellier", "1 rue du Travail, 34970 Lattes", "walking")
DISTANCE_MATRIX_PATH = "/maps/api/distancematrix/json"
NO_ROUTES_API = [{"error": {"status": "PERMISSION_DENIED", "details": [{"reason": "SERVICE_DISABLED"}]}}]
ROUTE: dict[str, Any] = {"condition": "ROUTE_EXISTS", "status": {}, "distanceMeters": 7_000, "duration": "900s"}
ELEMENT: dict[str, Any] = {"status": "OK", "distance": {"value": 7_000}, "duration": {"value": 900}}


def without(response: dict[str, Any], *fields: str) -> dict[str, Any]:
    return {name: value for name, value in response.items() if name not in fields}


@pytest.fixture
def distance_matrix(httpserver: HTTPServer, google: Google) -> Google:
    httpserver.expect_request(ROUTES_PATH).respond_with_json(NO_ROUTES_API, status=403)
    return google


@pytest.mark.parametrize(
    "body",
    [
        [],
        {},
        [None],
        ["ROUTE_EXISTS"],
        [without(ROUTE, "condition")],
        [without(ROUTE, "distanceMeters")],
        [without(ROUTE, "distanceMeters", "duration")],
        [{**ROUTE, "distanceMeters": None}],
        [{**ROUTE, "distanceMeters": "near"}],
        [{**ROUTE, "distanceMeters": -1}],
        [{**ROUTE, "distanceMeters": 2**31}],
    ],
)
def test_a_route_without_its_distance_is_a_failure(httpserver: HTTPServer, google: Google, body: Any) -> None:
    httpserver.expect_request(ROUTES_PATH).respond_with_json(body)
    assert google.distance(REQUEST).status == "failed"


@pytest.mark.parametrize("duration", [None, "soon", "nans", 12, f"{2**31}s"])
def test_a_distance_counts_without_its_duration(httpserver: HTTPServer, google: Google, duration: Any) -> None:
    httpserver.expect_request(ROUTES_PATH).respond_with_json([{**ROUTE, "status": None, "duration": duration}])
    assert google.distance(REQUEST) == DistanceResult("ok", 7_000, 12 if duration == 12 else None)


@pytest.mark.parametrize(
    "body",
    [b"", b"<html>", json.dumps([ROUTE])[:-20].encode(), json.dumps([ROUTE]).encode().replace(b"EXISTS", b"\xff")],
)
def test_truncated_google_answer_is_an_outage(httpserver: HTTPServer, google: Google, body: bytes) -> None:
    httpserver.expect_request(ROUTES_PATH).respond_with_data(body, content_type="application/json")
    with pytest.raises(ProviderUnavailable, match="not JSON"):
        google.distance(REQUEST)


@pytest.mark.parametrize(
    "rows",
    [
        [],
        [{}],
        [{"elements": []}],
        [{"elements": [{}]}],
        [{"elements": [without(ELEMENT, "distance")]}],
        [{"elements": [{**ELEMENT, "distance": {"value": 2**31}}]}],
    ],
)
def test_distance_matrix_answer_without_a_distance_is_a_failure(
    httpserver: HTTPServer, distance_matrix: Google, rows: Any
) -> None:
    httpserver.expect_request(DISTANCE_MATRIX_PATH).respond_with_json({"status": "OK", "rows": rows})
    assert distance_matrix.distance(REQUEST).status == "failed"


@pytest.mark.parametrize("element", [without(ELEMENT, "duration"), {**ELEMENT, "duration": {}}])
def test_distance_matrix_distance_counts_without_its_duration(
    httpserver: HTTPServer, distance_matrix: Google, element: dict[str, Any]
) -> None:
    rows = [{"elements": [element]}]
    httpserver.expect_request(DISTANCE_MATRIX_PATH).respond_with_json({"status": "OK", "rows": rows})
    assert distance_matrix.distance(REQUEST) == DistanceResult("ok", 7_000)


@pytest.mark.parametrize("body", ["", "<html>", "{}", "[]", '{"status": "OK", "rows"'])
def test_truncated_distance_matrix_answer_is_an_outage(
    httpserver: HTTPServer, distance_matrix: Google, body: str
) -> None:
    httpserver.expect_request(DISTANCE_MATRIX_PATH).respond_with_data(body)
    with pytest.raises(ProviderUnavailable, match="not its JSON"):
        distance_matrix.distance(REQUEST)
