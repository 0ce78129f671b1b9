"""Slack's incoming webhook."""

from dataclasses import dataclass
from typing import Literal

import httpx

TIMEOUT = 10.0  # seconds
MAX_RESPONSE_CHARS = 200
MAX_RETRY_AFTER_S = 86_400.0


@dataclass(frozen=True)
class SlackResponse:
    """What became of a message; `wait` is the pause, in seconds, that Slack asked for."""

    outcome: Literal["sent", "retry", "dead_letter"]
    text: str
    retry_after: float | None = None


def post(client: httpx.Client, url: str, message: str) -> SlackResponse:
    """Post a message and give Slack's answer; an outage is an answer too."""
    try:
        response = client.post(url, json={"text": escape(message)}, timeout=TIMEOUT)
    except (httpx.HTTPError, httpx.InvalidURL) as error:  # its text may hold the webhook's secret address
        return SlackResponse("retry", type(error).__name__)
    # Postgres keeps no NUL, and an answer that cannot be noted is a message sent again and again.
    text = f"{response.status_code} {response.text[:MAX_RESPONSE_CHARS]}".replace("\0", "").strip()
    if response.is_success:
        return SlackResponse("sent", text)
    if response.status_code == httpx.codes.TOO_MANY_REQUESTS:
        return SlackResponse("retry", text, retry_after=_retry_after(response))
    if response.is_client_error and response.status_code != httpx.codes.REQUEST_TIMEOUT:
        return SlackResponse("dead_letter", text)
    return SlackResponse("retry", text)


def escape(message: str) -> str:
    """Escape what Slack would read as markup, so that a comment cannot call a whole channel."""
    return message.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _retry_after(response: httpx.Response) -> float:
    try:
        seconds = float(response.headers["Retry-After"])
    except (KeyError, ValueError):
        return 1.0
    return min(max(0.0, seconds), MAX_RETRY_AFTER_S)
