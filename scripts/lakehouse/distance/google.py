"""Google's Routes API, and the legacy Distance Matrix for keys that only have that."""

from typing import Any

import httpx

from lakehouse.distance.legacy import Legacy
from lakehouse.distance.providers import Answer, Question, Unavailable, count
from lakehouse.settings import Settings

ROUTES = "/distanceMatrix/v2:computeRouteMatrix"
FIELDS = "originIndex,destinationIndex,status,condition,distanceMeters,duration"
MODES = {"walking": "WALK", "bicycling": "BICYCLE", "driving": "DRIVE", "transit": "TRANSIT"}
TIMEOUT = 20.0  # seconds
NO_ACCESS = ("SERVICE_DISABLED", "API_KEY_SERVICE_BLOCKED")
KEY_INVALID = ("API_KEY_INVALID", "API key not valid", "API key expired")
# Google's names and google.rpc's numbers for the same: what is said of one question holds for all.
FOR_EVERYBODY = {"RESOURCE_EXHAUSTED": 8, "UNAVAILABLE": 14}


class Google:
    """Answers by the Routes API; goes over to the legacy one when the key has no access to it."""

    name = "google"
    at_once = 20

    def __init__(self, settings: Settings, client: httpx.Client) -> None:
        key = settings.api_key_maps
        if key is None:
            raise Unavailable("API_KEY_MAPS is not set")
        self._key, self._client = key.get_secret_value(), client
        self._url = settings.maps_url.rstrip("/")
        self._legacy: Legacy | None = None

    def distance(self, question: Question) -> Answer:
        if self._legacy is not None:
            return self._legacy.distance(question)
        response = self._ask(question)
        error = _error(response)
        if response.is_success and not error:
            return _answer(_body(response))
        status = _status(response, error)
        if status == httpx.codes.FORBIDDEN and any(reason in str(error) for reason in NO_ACCESS):
            self._legacy = Legacy(self._key, self._url)
            return self._legacy.distance(question)
        return _refusal(status, error)

    def _ask(self, question: Question) -> httpx.Response:
        try:
            return self._client.post(
                self._url + ROUTES,
                headers={"X-Goog-Api-Key": self._key, "X-Goog-FieldMask": FIELDS},
                json={
                    "origins": [{"waypoint": {"address": question.origin}}],
                    "destinations": [{"waypoint": {"address": question.destination}}],
                    "travelMode": MODES[question.travel_mode],
                    "languageCode": "fr",
                    "regionCode": "fr",
                },
                timeout=TIMEOUT,
            )
        except (httpx.InvalidURL, httpx.UnsupportedProtocol, httpx.LocalProtocolError, UnicodeError) as error:
            reason = f"Google Routes cannot be asked ({type(error).__name__}). Check API_KEY_MAPS and MAPS_URL."
            raise Unavailable(reason) from None  # its text may hold the key
        except httpx.HTTPError as error:
            raise Unavailable(f"Google Routes does not answer ({type(error).__name__})") from error


def _body(response: httpx.Response) -> Any:
    try:
        return response.json()
    except ValueError as error:
        raise Unavailable("Google Routes answered something that is not JSON") from error


def _answer(body: Any) -> Answer:
    """Give the answer that the matrix's one element holds; half an answer is a failure, never a distance."""
    element = _first(body)
    condition, status = element.get("condition", "no route"), element.get("status")
    code = status.get("code", 0) if isinstance(status, dict) else 0
    if code in FOR_EVERYBODY.values():
        raise Unavailable(f"Google Routes: status {code}")
    if code or condition != "ROUTE_EXISTS":
        return Answer("failed", reason=f"Google Routes: {condition}" + (f", status {code}" if code else ""))
    duration = element.get("duration")
    # A field that is zero is left out of the answer; the duration never is.
    metres = count(element.get("distanceMeters", 0 if duration == "0s" else None))
    if metres is None:
        return Answer("failed", reason="Google Routes: a route without its distance")
    return Answer("ok", distance_m=metres, duration_s=_seconds(duration))


def _seconds(duration: Any) -> int | None:
    try:
        return count(round(float(str(duration).removesuffix("s"))))
    except (ValueError, OverflowError):
        return None


def _first(body: Any) -> dict[str, Any]:
    """Give the first object of a stream, which comes as a list."""
    first = body[0] if isinstance(body, list) and body else body
    return first if isinstance(first, dict) else {}


def _error(response: httpx.Response) -> dict[str, Any]:
    """Give what went wrong, which Google may notice after it has begun with a 200."""
    try:
        error = _first(response.json()).get("error")
    except ValueError:
        return {}
    return error if isinstance(error, dict) else {}


def _status(response: httpx.Response, error: dict[str, Any]) -> int:
    """Give the HTTP status; of an error that came after a 200, the one that it would have had."""
    code = error.get("code")
    return code if response.is_success and type(code) is int else response.status_code


def _refusal(http_status: int, error: dict[str, Any]) -> Answer:
    """Give the failure of this one question, or raise Unavailable where any other would fail alike."""
    status = error.get("status", "no reason given")
    says = f"Google Routes: HTTP {http_status}, {status}"
    if http_status in {401, 403} or any(reason in str(error) for reason in KEY_INVALID):
        raise Unavailable(f"{says}: the key is refused. Check API_KEY_MAPS and that the Routes API is enabled for it.")
    busy = http_status == httpx.codes.TOO_MANY_REQUESTS or str(status) in FOR_EVERYBODY
    if busy or http_status >= httpx.codes.INTERNAL_SERVER_ERROR:
        raise Unavailable(says)
    return Answer("failed", reason=says)
