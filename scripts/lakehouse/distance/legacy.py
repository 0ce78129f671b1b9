"""Google's Distance Matrix, which older keys still have."""

from typing import Any

import googlemaps
from googlemaps.exceptions import ApiError, HTTPError, Timeout, TransportError

from lakehouse.distance.providers import Answer, Question, Unavailable, count

URL = "https://maps.googleapis.com"
ROUTES_URL = "https://routes.googleapis.com"
FOR_EVERYBODY = frozenset({"REQUEST_DENIED", "OVER_QUERY_LIMIT", "OVER_DAILY_LIMIT", "UNKNOWN_ERROR"})


class Legacy:
    """Answers by the Distance Matrix; `url` is another server's when the Routes API's is."""

    def __init__(self, key: str, url: str) -> None:
        self._url = URL if url == ROUTES_URL else url
        try:
            # Waiting and asking again is the worker's part.
            self._client = googlemaps.Client(
                key=key, base_url=self._url, timeout=20, retry_timeout=1, retry_over_query_limit=False
            )
        except ValueError as error:
            raise Unavailable("Google: API_KEY_MAPS does not look like a key of Google's") from error

    def distance(self, question: Question) -> Answer:
        try:
            found = self._client.distance_matrix(
                [question.origin], [question.destination], mode=question.travel_mode, language="fr", region="fr"
            )
        except ApiError as error:
            return _refusal(error.status)
        except (HTTPError, Timeout, TransportError) as error:
            raise Unavailable(f"Google Distance Matrix does not answer ({type(error).__name__})") from error
        except (ValueError, LookupError, TypeError) as error:
            raise Unavailable("Google Distance Matrix answered something that is not its JSON") from error
        return _answer(found)


def _answer(found: Any) -> Answer:
    """Give the answer that the matrix's one element holds; half an answer is a failure, never a distance."""
    try:
        element = found["rows"][0]["elements"][0]
        if element["status"] != "OK":
            return Answer("failed", reason=f"Google Distance Matrix: {element['status']}")
        metres = count(element["distance"]["value"])
    except (LookupError, TypeError):
        metres = None
    if metres is None:
        return Answer("failed", reason=f"Google Distance Matrix: {found['status']}, without a distance")
    duration = element.get("duration")
    return Answer(
        "ok", distance_m=metres, duration_s=count(duration.get("value")) if isinstance(duration, dict) else None
    )


def _refusal(status: str) -> Answer:
    says = f"Google Distance Matrix: {status}"
    if status == "REQUEST_DENIED":
        raise Unavailable(f"{says}: the key is refused. Check API_KEY_MAPS, and enable the Routes API for it.")
    if status in FOR_EVERYBODY:
        raise Unavailable(says)
    return Answer("failed", reason=says)
