"""Google's Routes API, and the legacy Distance Matrix for keys that only have that."""

from typing import Any

import httpx

from lakehouse.distance.legacy import Legacy
from lakehouse.distance.providers import Answer, Question, Unavailable
from lakehouse.settings import Settings

ROUTES = "/distanceMatrix/v2:computeRouteMatrix"
FIELDS = "originIndex,destinationIndex,status,condition,distanceMeters,duration"
MODES = {"walking": "WALK", "bicycling": "BICYCLE", "driving": "DRIVE", "transit": "TRANSIT"}
TIMEOUT = 20.0  # seconds
NO_ACCESS = ("SERVICE_DISABLED", "API_KEY_SERVICE_BLOCKED")
KEY_INVALID = ("API_KEY_INVALID", "API key not valid", "API key expired")


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
        if response.is_success:
            return _answer(_body(response))
        error = _error(response)
        if response.status_code == httpx.codes.FORBIDDEN and any(reason in str(error) for reason in NO_ACCESS):
            self._legacy = Legacy(self._key, self._url)
            return self._legacy.distance(question)
        return _refusal(response.status_code, error)

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
        except httpx.HTTPError as error:
            raise Unavailable(f"Google Routes does not answer ({type(error).__name__})") from error


def _body(response: httpx.Response) -> Any:
    try:
        return response.json()
    except ValueError as error:
        raise Unavailable("Google Routes answered something that is not JSON") from error


def _answer(body: Any) -> Answer:
    element = body[0] if isinstance(body, list) and body else {}
    condition = element.get("condition", "no route")
    code = element.get("status", {}).get("code", 0)
    if code or condition != "ROUTE_EXISTS":
        return Answer("failed", reason=f"Google Routes: {condition}" + (f", status {code}" if code else ""))
    # A field that is zero is left out of the answer.
    seconds = float(element.get("duration", "0s").removesuffix("s"))
    return Answer("ok", distance_m=int(element.get("distanceMeters", 0)), duration_s=round(seconds))


def _error(response: httpx.Response) -> dict[str, Any]:
    try:
        body = response.json()
    except ValueError:
        return {}
    # The matrix is a stream: its errors come as a list of one.
    first = body[0] if isinstance(body, list) and body else body
    error = first.get("error", {}) if isinstance(first, dict) else {}
    return error if isinstance(error, dict) else {}


def _refusal(http_status: int, error: dict[str, Any]) -> Answer:
    """Give the failure of this one question, or raise Unavailable where any other would fail alike."""
    status = error.get("status", "no reason given")
    says = f"Google Routes: HTTP {http_status}, {status}"
    if http_status in {401, 403} or any(reason in str(error) for reason in KEY_INVALID):
        raise Unavailable(f"{says}: the key is refused. Check API_KEY_MAPS and that the Routes API is enabled for it.")
    if http_status == httpx.codes.TOO_MANY_REQUESTS or http_status >= httpx.codes.INTERNAL_SERVER_ERROR:
        raise Unavailable(says)
    return Answer("failed", reason=says)
