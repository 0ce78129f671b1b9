"""Google's Routes API, and the legacy Distance Matrix for keys that only have that."""

from typing import Any

import httpx

from lakehouse.distance.google_distance_matrix import DistanceMatrix
from lakehouse.distance.providers import DistanceRequest, DistanceResult, ProviderUnavailable, parse_count
from lakehouse.settings import Settings

ROUTES_PATH = "/distanceMatrix/v2:computeRouteMatrix"
FIELD_MASK = "originIndex,destinationIndex,status,condition,distanceMeters,duration"
ROUTES_TRAVEL_MODES = {"walking": "WALK", "bicycling": "BICYCLE", "driving": "DRIVE", "transit": "TRANSIT"}
TIMEOUT = 20.0  # seconds
NO_ACCESS_ERRORS = ("SERVICE_DISABLED", "API_KEY_SERVICE_BLOCKED")
INVALID_KEY_ERRORS = ("API_KEY_INVALID", "API key not valid", "API key expired")
# Google's names and google.rpc's numbers for the same: what is said of one question holds for all.
SERVICE_WIDE_ERRORS = {"RESOURCE_EXHAUSTED": 8, "UNAVAILABLE": 14}


class Google:
    """Answers by the Routes API; goes over to the legacy one when the key has no access to it."""

    name = "google"
    batch_size = 20

    def __init__(self, settings: Settings, client: httpx.Client) -> None:
        key = settings.api_key_maps
        if key is None:
            raise ProviderUnavailable("API_KEY_MAPS is not set")
        self._key, self._client = key.get_secret_value(), client
        self._url = settings.maps_url.rstrip("/")
        self._distance_matrix: DistanceMatrix | None = None

    def distance(self, request: DistanceRequest) -> DistanceResult:
        if self._distance_matrix is not None:
            return self._distance_matrix.distance(request)
        response = self._post(request)
        error = _extract_error(response)
        if response.is_success and not error:
            return _parse_result(_parse_json(response))
        status = _http_status(response, error)
        if status == httpx.codes.FORBIDDEN and any(reason in str(error) for reason in NO_ACCESS_ERRORS):
            self._distance_matrix = DistanceMatrix(self._key, self._url)
            return self._distance_matrix.distance(request)
        return _failed_or_raise(status, error)

    def _post(self, request: DistanceRequest) -> httpx.Response:
        try:
            return self._client.post(
                self._url + ROUTES_PATH,
                headers={"X-Goog-Api-Key": self._key, "X-Goog-FieldMask": FIELD_MASK},
                json={
                    "origins": [{"waypoint": {"address": request.origin}}],
                    "destinations": [{"waypoint": {"address": request.destination}}],
                    "travelMode": ROUTES_TRAVEL_MODES[request.travel_mode],
                    "languageCode": "fr",
                    "regionCode": "fr",
                },
                timeout=TIMEOUT,
            )
        except (httpx.InvalidURL, httpx.UnsupportedProtocol, httpx.LocalProtocolError, UnicodeError) as error:
            reason = f"Google Routes cannot be asked ({type(error).__name__}). Check API_KEY_MAPS and MAPS_URL."
            raise ProviderUnavailable(reason) from None  # its text may hold the key
        except httpx.HTTPError as error:
            raise ProviderUnavailable(f"Google Routes does not answer ({type(error).__name__})") from error


def _parse_json(response: httpx.Response) -> Any:
    try:
        return response.json()
    except ValueError as error:
        raise ProviderUnavailable("Google Routes answered something that is not JSON") from error


def _parse_result(body: Any) -> DistanceResult:
    """Give the answer that the matrix's one element holds; half an answer is a failure, never a distance."""
    element = _first_object(body)
    condition, status = element.get("condition", "no route"), element.get("status")
    code = status.get("code", 0) if isinstance(status, dict) else 0
    if code in SERVICE_WIDE_ERRORS.values():
        raise ProviderUnavailable(f"Google Routes: status {code}")
    if code or condition != "ROUTE_EXISTS":
        return DistanceResult("failed", reason=f"Google Routes: {condition}" + (f", status {code}" if code else ""))
    duration = element.get("duration")
    # A field that is zero is left out of the answer; the duration never is.
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
    """Give the first object of a stream, which comes as a list."""
    first = body[0] if isinstance(body, list) and body else body
    return first if isinstance(first, dict) else {}


def _extract_error(response: httpx.Response) -> dict[str, Any]:
    """Give what went wrong, which Google may notice after it has begun with a 200."""
    try:
        error = _first_object(response.json()).get("error")
    except ValueError:
        return {}
    return error if isinstance(error, dict) else {}


def _http_status(response: httpx.Response, error: dict[str, Any]) -> int:
    """Give the HTTP status; of an error that came after a 200, the one that it would have had."""
    code = error.get("code")
    return code if response.is_success and type(code) is int else response.status_code


def _failed_or_raise(http_status: int, error: dict[str, Any]) -> DistanceResult:
    """Give the failure of this one question, or raise Unavailable where any other would fail alike."""
    status = error.get("status", "no reason given")
    message = f"Google Routes: HTTP {http_status}, {status}"
    if http_status in {401, 403} or any(reason in str(error) for reason in INVALID_KEY_ERRORS):
        raise ProviderUnavailable(
            f"{message}: the key is refused. Check API_KEY_MAPS and that the Routes API is enabled for it."
        )
    busy = http_status == httpx.codes.TOO_MANY_REQUESTS or str(status) in SERVICE_WIDE_ERRORS
    if busy or http_status >= httpx.codes.INTERNAL_SERVER_ERROR:
        raise ProviderUnavailable(message)
    return DistanceResult("failed", reason=message)
