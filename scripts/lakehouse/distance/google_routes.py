"""Google's Routes API, with the legacy Distance Matrix for API keys that have no access to it."""

import json
import re
from http import HTTPStatus
from typing import Any

from lakehouse.distance.google_distance_matrix import DistanceMatrix
from lakehouse.distance.providers import DistanceRequest, DistanceResult, ProviderUnavailable, parse_count
from lakehouse.http_session import HttpError, HttpSession, InvalidUrl, Response, is_success
from lakehouse.settings import Settings

ROUTES_PATH = "/distanceMatrix/v2:computeRouteMatrix"
FIELD_MASK = "originIndex,destinationIndex,status,condition,distanceMeters,duration"
ROUTES_TRAVEL_MODES = {"walking": "WALK", "bicycling": "BICYCLE", "driving": "DRIVE", "transit": "TRANSIT"}
GOOGLE_TIMEOUT_S = 20.0
# Visible ASCII. requests would send other characters as Latin-1, and quote a line break in its error.
HEADER_VALUE = re.compile(r"[!-~]+")
CHECK_SETTINGS_HINT = "Check API_KEY_MAPS and MAPS_URL."
NO_ACCESS_ERRORS = ("SERVICE_DISABLED", "API_KEY_SERVICE_BLOCKED")
INVALID_KEY_ERRORS = ("API_KEY_INVALID", "API key not valid", "API key expired")
# Statuses by name and google.rpc code. They concern the whole service: every other request would fail too.
SERVICE_WIDE_CODES = {"RESOURCE_EXHAUSTED": 8, "UNAVAILABLE": 14}


class Google:
    """A provider that calls the Routes API, or the legacy API if the key has no access to it."""

    name = "google"
    batch_size = 20

    def __init__(self, settings: Settings, session: HttpSession, timeout: float = GOOGLE_TIMEOUT_S) -> None:
        key = settings.api_key_maps
        if key is None:
            raise ProviderUnavailable("API_KEY_MAPS is not set")
        self._key, self._session, self._timeout = key.get_secret_value(), session, timeout
        self._url = settings.maps_url.rstrip("/")
        self._distance_matrix: DistanceMatrix | None = None

    def distance(self, request: DistanceRequest) -> DistanceResult:
        if self._distance_matrix is not None:
            return self._distance_matrix.distance(request)
        response = self._post(request)
        error = _extract_error(response)
        if is_success(response) and not error:
            return _parse_result(_parse_json(response))
        status = _http_status(response, error)
        if status == HTTPStatus.FORBIDDEN and any(reason in str(error) for reason in NO_ACCESS_ERRORS):
            self._distance_matrix = DistanceMatrix(self._key, self._url)
            return self._distance_matrix.distance(request)
        return _failed_or_raise(status, error)

    def _post(self, request: DistanceRequest) -> Response:
        if not HEADER_VALUE.fullmatch(self._key):
            raise ProviderUnavailable(f"Google Routes cannot be called (invalid header). {CHECK_SETTINGS_HINT}")
        try:
            return self._session.post(
                self._url + ROUTES_PATH,
                headers={"X-Goog-Api-Key": self._key, "X-Goog-FieldMask": FIELD_MASK},
                json={
                    "origins": [{"waypoint": {"address": request.origin}}],
                    "destinations": [{"waypoint": {"address": request.destination}}],
                    "travelMode": ROUTES_TRAVEL_MODES[request.travel_mode],
                    "languageCode": "fr",
                    "regionCode": "fr",
                },
                timeout=self._timeout,
            )
        except InvalidUrl as error:
            raise ProviderUnavailable(f"Google Routes cannot be called ({error}). {CHECK_SETTINGS_HINT}") from error
        except HttpError as error:
            raise ProviderUnavailable(f"Google Routes does not answer ({error})") from error


def _parse_json(response: Response) -> Any:
    try:
        return json.loads(response.content)
    except ValueError as error:
        raise ProviderUnavailable("Google Routes returned something that is not JSON") from error


def _parse_result(body: Any) -> DistanceResult:
    """Return the result in the matrix's single element; an incomplete element is a failure."""
    element = _first_object(body)
    condition, status = element.get("condition", "no route"), element.get("status")
    code = status.get("code", 0) if isinstance(status, dict) else 0
    if code in SERVICE_WIDE_CODES.values():
        raise ProviderUnavailable(f"Google Routes: status {code}")
    if code or condition != "ROUTE_EXISTS":
        return DistanceResult("failed", reason=f"Google Routes: {condition}" + (f", status {code}" if code else ""))
    duration = element.get("duration")
    # Google leaves a distance of zero out of the JSON, but never the duration.
    metres = parse_count(element.get("distanceMeters", 0 if duration == "0s" else None))
    if metres is None:
        return DistanceResult("failed", reason="Google Routes: a route without its distance")
    return DistanceResult("ok", distance_m=metres, duration_s=_parse_seconds(duration))


def _parse_seconds(duration: Any) -> int | None:
    try:
        return parse_count(round(float(str(duration).removesuffix("s"))))
    except (ValueError, OverflowError):
        return None


def _first_object(body: Any) -> dict[str, Any]:
    """Return the first object of a streamed response, which arrives as a JSON list."""
    first = body[0] if isinstance(body, list) and body else body
    return first if isinstance(first, dict) else {}


def _extract_error(response: Response) -> dict[str, Any]:
    """Return the response's error, or {}. Google may report one in the body of a 200."""
    try:
        error = _first_object(json.loads(response.content)).get("error")
    except ValueError:
        return {}
    return error if isinstance(error, dict) else {}


def _http_status(response: Response, error: dict[str, Any]) -> int:
    """Return the HTTP status; for an error in the body of a 200, the code that the error names."""
    code = error.get("code")
    return code if is_success(response) and type(code) is int else response.status_code


def _failed_or_raise(http_status: int, error: dict[str, Any]) -> DistanceResult:
    """Return the failure of this request, or raise ProviderUnavailable if every other request would fail too."""
    status = error.get("status", "no reason given")
    message = f"Google Routes: HTTP {http_status}, {status}"
    if http_status in {401, 403} or any(reason in str(error) for reason in INVALID_KEY_ERRORS):
        raise ProviderUnavailable(
            f"{message}: the key is refused. Check API_KEY_MAPS and that the Routes API is enabled for it."
        )
    busy = http_status == HTTPStatus.TOO_MANY_REQUESTS or str(status) in SERVICE_WIDE_CODES
    if busy or http_status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        raise ProviderUnavailable(message)
    return DistanceResult("failed", reason=message)
