"""Google's legacy Distance Matrix API, for API keys without access to the Routes API."""

from typing import Any

import googlemaps
from googlemaps.exceptions import ApiError, HTTPError, Timeout, TransportError

from lakehouse.distance.providers import DistanceRequest, DistanceResult, ProviderUnavailable, parse_count

DISTANCE_MATRIX_URL = "https://maps.googleapis.com"
ROUTES_URL = "https://routes.googleapis.com"
SERVICE_WIDE_STATUSES = frozenset({"REQUEST_DENIED", "OVER_QUERY_LIMIT", "OVER_DAILY_LIMIT", "UNKNOWN_ERROR"})


class DistanceMatrix:
    """A provider that calls the Distance Matrix; `url` replaces its server too unless it is the Routes API's own."""

    def __init__(self, key: str, url: str) -> None:
        self._url = DISTANCE_MATRIX_URL if url == ROUTES_URL else url
        try:
            # The worker schedules retries, so the client makes none.
            self._client = googlemaps.Client(
                key=key, base_url=self._url, timeout=20, retry_timeout=1, retry_over_query_limit=False
            )
        except ValueError as error:
            raise ProviderUnavailable("Google: API_KEY_MAPS does not look like a key of Google's") from error

    def distance(self, request: DistanceRequest) -> DistanceResult:
        try:
            response = self._client.distance_matrix(
                [request.origin], [request.destination], mode=request.travel_mode, language="fr", region="fr"
            )
        except ApiError as error:
            return _failed_or_raise(error.status)
        except (HTTPError, Timeout, TransportError) as error:
            raise ProviderUnavailable(f"Google Distance Matrix does not answer ({type(error).__name__})") from error
        except (ValueError, LookupError, TypeError) as error:
            raise ProviderUnavailable("Google Distance Matrix returned something that is not its JSON") from error
        return _parse_result(response)


def _parse_result(response: Any) -> DistanceResult:
    """Return the result in the matrix's single element; an incomplete element is a failure."""
    try:
        element = response["rows"][0]["elements"][0]
        if element["status"] != "OK":
            return DistanceResult("failed", reason=f"Google Distance Matrix: {element['status']}")
        metres = parse_count(element["distance"]["value"])
    except (LookupError, TypeError):
        metres = None
    if metres is None:
        return DistanceResult("failed", reason=f"Google Distance Matrix: {response['status']}, without a distance")
    duration = element.get("duration")
    return DistanceResult(
        "ok", distance_m=metres, duration_s=parse_count(duration.get("value")) if isinstance(duration, dict) else None
    )


def _failed_or_raise(status: str) -> DistanceResult:
    message = f"Google Distance Matrix: {status}"
    if status == "REQUEST_DENIED":
        raise ProviderUnavailable(
            f"{message}: the key is refused. Check API_KEY_MAPS, and enable the Routes API for it."
        )
    if status in SERVICE_WIDE_STATUSES:
        raise ProviderUnavailable(message)
    return DistanceResult("failed", reason=message)
