"""Slack's incoming webhook."""

from dataclasses import dataclass
from http import HTTPStatus
from typing import Literal

from lakehouse.http_session import HttpError, HttpSession, Response, is_success

SLACK_TIMEOUT_S = 10.0
MAX_RESPONSE_CHARS = 200
MAX_RETRY_AFTER_S = 86_400.0


@dataclass(frozen=True)
class SlackResponse:
    """The outcome of a post; `retry_after` is the pause in seconds that Slack requires."""

    outcome: Literal["sent", "retry", "dead_letter"]
    text: str
    retry_after: float | None = None


def post(session: HttpSession, url: str, message: str, timeout: float = SLACK_TIMEOUT_S) -> SlackResponse:
    """Post a message and return Slack's response; an outage is a response with the outcome `retry`."""
    try:
        response = session.post(url, json={"text": escape(message)}, timeout=timeout)
    except HttpError as error:
        return SlackResponse("retry", str(error))
    # Postgres rejects NUL, and a message whose response cannot be saved would be sent again and again.
    text = f"{response.status_code} {response.text[:MAX_RESPONSE_CHARS]}".replace("\0", "").strip()
    if is_success(response):
        return SlackResponse("sent", text)
    if response.status_code == HTTPStatus.TOO_MANY_REQUESTS:
        return SlackResponse("retry", text, retry_after=_retry_after(response))
    client_error = HTTPStatus.BAD_REQUEST <= response.status_code < HTTPStatus.INTERNAL_SERVER_ERROR
    if client_error and response.status_code != HTTPStatus.REQUEST_TIMEOUT:
        return SlackResponse("dead_letter", text)
    return SlackResponse("retry", text)


def escape(message: str) -> str:
    """Return the message with Slack's markup escaped, so that a comment cannot notify a whole channel."""
    return message.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _retry_after(response: Response) -> float:
    try:
        seconds = float(response.headers["Retry-After"])
    except (KeyError, ValueError):
        return 1.0
    return min(max(0.0, seconds), MAX_RETRY_AFTER_S)
