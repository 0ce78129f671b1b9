"""Google's responses: a distance, the failure of one request, or an outage of the whole service."""

import socket
from typing import Any

import pytest
from pydantic import SecretStr
from pytest_httpserver import HTTPServer

from lakehouse.distance.google_routes import FIELD_MASK, ROUTES_PATH, Google
from lakehouse.distance.providers import DistanceRequest, DistanceResult, ProviderUnavailable
from lakehouse.http_session import external_session
from lakehouse.settings import Settings

HOME, WORK = "12 rue du Test, 34000 Montpellier", "1 rue du Travail, 34970 Lattes"
REQUEST = DistanceRequest(HOME, WORK, "bicycling")
DISTANCE_MATRIX_PATH = "/maps/api/distancematrix/json"


def respond_with(httpserver: HTTPServer, body: Any, status: int = 200) -> None:
    httpserver.expect_request(ROUTES_PATH, method="POST").respond_with_json(body, status=status)


def error(status: str, message: str = "", reason: str = "") -> list[dict[str, Any]]:
    return [{"error": {"status": status, "message": message, "details": [{"reason": reason}]}}]


def test_a_route_gives_metres_and_seconds(httpserver: HTTPServer, google: Google) -> None:
    httpserver.expect_request(
        ROUTES_PATH,
        method="POST",
        headers={"X-Goog-Api-Key": "AIzaFictive", "X-Goog-FieldMask": FIELD_MASK},
        json={
            "origins": [{"waypoint": {"address": HOME}}],
            "destinations": [{"waypoint": {"address": WORK}}],
            "travelMode": "BICYCLE",
            "languageCode": "fr",
            "regionCode": "fr",
        },
    ).respond_with_json(
        [{"originIndex": 0, "condition": "ROUTE_EXISTS", "status": {}, "distanceMeters": 16160, "duration": "3120s"}]
    )
    assert google.distance(REQUEST) == DistanceResult("ok", distance_m=16_160, duration_s=3_120)


def test_missing_distance_of_an_existing_route_is_zero(httpserver: HTTPServer, google: Google) -> None:
    respond_with(httpserver, [{"condition": "ROUTE_EXISTS", "status": {}, "duration": "0s"}])
    assert google.distance(REQUEST) == DistanceResult("ok", distance_m=0, duration_s=0)


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ([{"condition": "ROUTE_NOT_FOUND", "status": {}}], "ROUTE_NOT_FOUND"),
        ([{"condition": "ROUTE_EXISTS", "status": {"code": 5}}], "status 5"),
        ([], "no route"),
    ],
)
def test_no_route_is_a_failure_with_its_reason(httpserver: HTTPServer, google: Google, body: Any, message: str) -> None:
    respond_with(httpserver, body)
    result = google.distance(REQUEST)
    assert result.status == "failed"
    assert message in (result.reason or "")


def test_address_refused_by_google_fails_only_its_request(httpserver: HTTPServer, google: Google) -> None:
    respond_with(httpserver, error("INVALID_ARGUMENT", f"cannot geocode {HOME}"), 400)
    result = google.distance(REQUEST)
    assert result.status == "failed"
    assert HOME not in (result.reason or "")


@pytest.mark.parametrize(
    ("status", "body", "message"),
    [
        (429, error("RESOURCE_EXHAUSTED"), "429"),
        (500, error("INTERNAL"), "500"),
        (503, "not the usual body", "503"),
        (200, error("RESOURCE_EXHAUSTED"), "RESOURCE_EXHAUSTED"),
        (200, [{"condition": "ROUTE_MATRIX_ELEMENT_CONDITION_UNSPECIFIED", "status": {"code": 8}}], "status 8"),
        (403, error("PERMISSION_DENIED"), "API_KEY_MAPS"),
        (400, error("INVALID_ARGUMENT", "API key not valid.", "API_KEY_INVALID"), "API_KEY_MAPS"),
    ],
)
def test_service_wide_google_error_is_an_outage(
    httpserver: HTTPServer, google: Google, status: int, body: Any, message: str
) -> None:
    respond_with(httpserver, body, status)
    with pytest.raises(ProviderUnavailable, match=message):
        google.distance(REQUEST)


def test_refused_connection_to_google_is_an_outage() -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    settings = Settings(api_key_maps=SecretStr("AIzaFictive"), maps_url=f"http://127.0.0.1:{port}")
    with external_session() as session, pytest.raises(ProviderUnavailable, match="does not answer"):
        Google(settings, session).distance(REQUEST)


def test_google_timeout_is_an_outage() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent, external_session() as session:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        google = Google(Settings(api_key_maps=SecretStr("AIzaFictive"), maps_url=url), session, timeout=0.2)
        with pytest.raises(ProviderUnavailable, match="ReadTimeout"):
            google.distance(REQUEST)


def test_key_without_the_routes_api_falls_back_to_distance_matrix(httpserver: HTTPServer, google: Google) -> None:
    httpserver.expect_ordered_request(ROUTES_PATH).respond_with_json(
        error("PERMISSION_DENIED", reason="SERVICE_DISABLED"), status=403
    )
    element = {"status": "OK", "distance": {"value": 16_160}, "duration": {"value": 3_120}}
    for _ in range(2):
        httpserver.expect_ordered_request(DISTANCE_MATRIX_PATH).respond_with_json(
            {"status": "OK", "rows": [{"elements": [element]}]}
        )
    assert google.distance(REQUEST) == DistanceResult("ok", distance_m=16_160, duration_s=3_120)
    assert google.distance(REQUEST) == DistanceResult("ok", distance_m=16_160, duration_s=3_120)
    httpserver.check_assertions()


@pytest.mark.parametrize("status", ["REQUEST_DENIED", "OVER_QUERY_LIMIT", "UNKNOWN_ERROR"])
def test_service_wide_distance_matrix_error_is_an_outage(httpserver: HTTPServer, google: Google, status: str) -> None:
    respond_with(httpserver, error("PERMISSION_DENIED", reason="SERVICE_DISABLED"), 403)
    httpserver.expect_request(DISTANCE_MATRIX_PATH).respond_with_json({"status": status, "rows": []})
    with pytest.raises(ProviderUnavailable, match=status):
        google.distance(REQUEST)


def test_no_distance_matrix_route_is_a_failure_with_its_reason(httpserver: HTTPServer, google: Google) -> None:
    respond_with(httpserver, error("PERMISSION_DENIED", reason="SERVICE_DISABLED"), 403)
    httpserver.expect_request(DISTANCE_MATRIX_PATH).respond_with_json(
        {"status": "OK", "rows": [{"elements": [{"status": "ZERO_RESULTS"}]}]}
    )
    assert google.distance(REQUEST) == DistanceResult("failed", reason="Google Distance Matrix: ZERO_RESULTS")
