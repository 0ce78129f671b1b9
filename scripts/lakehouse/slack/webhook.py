"""Slack's incoming webhook."""

from dataclasses import dataclass
from typing import Literal

import httpx

TIMEOUT = 10.0  # seconds
LONGEST_ANSWER = 200
LONGEST_WAIT = 86_400.0


@dataclass(frozen=True)
class Answer:
    """What became of a message; `wait` is the pause, in seconds, that Slack asked for."""

    outcome: Literal["sent", "again", "set_aside"]
    says: str
    wait: float | None = None


def post(client: httpx.Client, url: str, message: str) -> Answer:
    """Post a message and give Slack's answer; an outage is an answer too."""
    try:
        response = client.post(url, json={"text": escaped(message)}, timeout=TIMEOUT)
    except (httpx.HTTPError, httpx.InvalidURL) as error:  # its text may hold the webhook's secret address
        return Answer("again", type(error).__name__)
    # Postgres keeps no NUL, and an answer that cannot be noted is a message sent again and again.
    says = f"{response.status_code} {response.text[:LONGEST_ANSWER]}".replace("\0", "").strip()
    if response.is_success:
        return Answer("sent", says)
    if response.status_code == httpx.codes.TOO_MANY_REQUESTS:
        return Answer("again", says, wait=_retry_after(response))
    if response.is_client_error and response.status_code != httpx.codes.REQUEST_TIMEOUT:
        return Answer("set_aside", says)
    return Answer("again", says)


def escaped(message: str) -> str:
    """Escape what Slack would read as markup, so that a comment cannot call a whole channel."""
    return message.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _retry_after(response: httpx.Response) -> float:
    try:
        seconds = float(response.headers["Retry-After"])
    except (KeyError, ValueError):
        return 1.0
    return min(max(0.0, seconds), LONGEST_WAIT)
